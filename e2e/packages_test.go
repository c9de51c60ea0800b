//go:build clients

package e2e

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// packageCommands add registries of other languages to a script's service.
var packageCommands = scriptCommands{
	// packages [N]: the service has registries of npm, of cargo and of go for whoever may read its index; the Nth request
	// for a package is answered when the credential that it shows has ended.
	"packages": func(ts *testscript.TestScript, neg bool, args []string) {
		slow := int64(-1)
		if len(args) > 0 {
			n, err := strconv.ParseInt(args[0], 10, 64)
			ts.Check(err)
			slow = n
		}
		s := fixtureOf(ts).service
		inner := s.Current()
		all := &packages{service: inner}
		chosen := func(r *http.Request) bool { return all.kind(r) != "" }
		s.Set(instead(inner, chosen, mayRead(inner, `Bearer realm="packages"`, all.hold(slow))))
		setPackages(ts, ts.Getenv("SERVICE"))
	},
	// files DIR: the service has the files of a folder of the script's, at $FILES, for whoever may read its index.
	"files": func(ts *testscript.TestScript, neg bool, args []string) {
		s := fixtureOf(ts).service
		inner := s.Current()
		folder := http.StripPrefix("/files/", http.FileServer(http.Dir(ts.MkAbs(args[0]))))
		chosen := func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/files/") }
		s.Set(instead(inner, chosen, mayRead(inner, `Basic realm="files"`, folder)))
		ts.Setenv("FILES", ts.Getenv("SERVICE")+"/files")
	},
	// elsewhere VARIABLE…: the registry that each variable names is at a host of its own, where all is as at the service.
	"elsewhere": func(ts *testscript.TestScript, neg bool, args []string) {
		f := fixtureOf(ts)
		for i, name := range args {
			l, err := net.Listen("tcp", "127.0.0."+strconv.Itoa(2+i)+":0")
			ts.Check(err)
			server := &http.Server{Handler: f.service, ReadHeaderTimeout: time.Minute}
			f.servers = append(f.servers, server)
			go func() { _ = server.Serve(l) }() // ends with the script
			ts.Setenv(name, "http://"+l.Addr().String()+strings.TrimPrefix(ts.Getenv(name), ts.Getenv("SERVICE")))
			for _, no := range []string{"no_proxy", "NO_PROXY"} {
				ts.Setenv(no, ts.Getenv(no)+",127.0.0."+strconv.Itoa(2+i))
			}
		}
	},
	// https: the service also listens at https://localhost, with a certificate that clients trust, and $SERVICE and the
	// like name that address.
	"https": func(ts *testscript.TestScript, neg bool, args []string) {
		f, folder := fixtureOf(ts), ts.MkAbs(".tls")
		ts.Check(certificate(folder))
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		server := &http.Server{Handler: f.service, ReadHeaderTimeout: time.Minute}
		f.servers = append(f.servers, server)
		go func() {
			_ = server.ServeTLS(l, filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"))
		}()
		_, port, err := net.SplitHostPort(l.Addr().String())
		ts.Check(err)
		url := "https://localhost:" + port
		for _, kv := range [][2]string{{"SERVICE", url}, {"INDEX", url + "/simple/acme/main"},
			{"SSL_CERT_FILE", filepath.Join(folder, "ca.pem")}} {
			ts.Setenv(kv[0], kv[1])
		}
		setPackages(ts, url)
	},
}

// setPackages names the registries at the service of that URL.
func setPackages(ts *testscript.TestScript, url string) {
	for _, kv := range [][2]string{{"NPM_INDEX", "/npm/acme/main/"}, {"CRATES", "/cargo/acme/main/"},
		{"MODULES", "/go/acme/main"}} {
		ts.Setenv(kv[0], url+kv[1])
	}
}

// packages are two packages of each language, the first of which needs the second.
type packages struct {
	service http.Handler
	had     atomic.Int64
}

const (
	packageName = "acme-private"
	packageDep  = "acme-dep"
)

// kind is the language whose registry is asked, or empty.
func (*packages) kind(r *http.Request) string {
	for _, kind := range []string{"npm", "cargo", "go"} {
		if strings.HasPrefix(r.URL.Path, "/"+kind+"/acme/main/") {
			return kind
		}
	}
	return ""
}

// hold has the Nth request wait for the end of its credential.
func (p *packages) hold(n int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.had.Add(1) == n {
			good := true
			for good && r.Context().Err() == nil {
				good = false
				mayRead(p.service, "", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { good = true })).
					ServeHTTP(discard{}, r)
			}
		}
		p.ServeHTTP(w, r)
	})
}

// discard is an answer that nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// ServeHTTP answers those who may read.
func (p *packages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := p.kind(r)
	base := "http://" + r.Host
	if r.TLS != nil {
		base = "https://" + r.Host
	}
	path := strings.TrimPrefix(r.URL.Path, "/"+kind+"/acme/main/")
	content, ok := map[string]func(base, path string) (any, bool){"npm": npmPackage, "cargo": crate, "go": module}[kind](
		base+"/"+kind+"/acme/main/", path)
	switch body := content.(type) {
	case []byte:
		_, _ = w.Write(body)
	default:
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(body)
	}
}

func nameIn(path string) (name string, ok bool) {
	for _, name := range []string{packageName, packageDep} {
		if strings.Contains(path, name) {
			return name, true
		}
	}
	return "", false
}

// npmPackage is what npm's registry holds
// (https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md).
func npmPackage(base, path string) (any, bool) {
	name, ok := nameIn(path)
	if !ok {
		return nil, false
	}
	deps := map[string]string{}
	if name == packageName {
		deps[packageDep] = "1.0.0"
	}
	about := map[string]any{"name": name, "version": "1.0.0", "dependencies": deps}
	text, _ := json.Marshal(about)
	file := tarOf(map[string]string{"package/package.json": string(text)})
	if strings.HasSuffix(path, ".tgz") {
		return file, true
	}
	sum := sha1.Sum(file)
	about["dist"] = map[string]string{"tarball": base + name + "/-/" + name + "-1.0.0.tgz",
		"shasum": hex.EncodeToString(sum[:])}
	return map[string]any{"name": name, "dist-tags": map[string]string{"latest": "1.0.0"},
		"versions": map[string]any{"1.0.0": about}, "time": map[string]string{"1.0.0": "2020-01-01T00:00:00.000Z"}}, true
}

// crate is what a sparse index of cargo's holds (https://doc.rust-lang.org/cargo/reference/registry-index.html).
func crate(base, path string) (any, bool) {
	if path == "config.json" {
		return map[string]any{"dl": base + "dl/{crate}", "api": strings.TrimSuffix(base, "/"), "auth-required": true}, true
	}
	if strings.HasSuffix(path, "/yank") {
		return map[string]bool{"ok": true}, true
	}
	name, ok := nameIn(path)
	if !ok {
		return nil, false
	}
	manifest, deps := "[package]\nname = \""+name+"\"\nversion = \"1.0.0\"\n", []any{}
	if name == packageName {
		manifest += "[dependencies]\n" + packageDep + " = \"1.0.0\"\n"
		deps = append(deps, map[string]any{"name": packageDep, "req": "^1.0.0", "features": []string{}, "optional": false,
			"default_features": true, "target": nil, "kind": "normal"})
	}
	file := tarOf(map[string]string{name + "-1.0.0/Cargo.toml": manifest, name + "-1.0.0/src/lib.rs": ""})
	if strings.HasPrefix(path, "dl/") {
		return file, true
	}
	sum := sha256.Sum256(file)
	return map[string]any{"name": name, "vers": "1.0.0", "deps": deps, "cksum": hex.EncodeToString(sum[:]),
		"features": map[string]any{}, "yanked": false}, true
}

// module is what a proxy of go's holds (https://go.dev/ref/mod#goproxy-protocol).
func module(_, path string) (any, bool) {
	name, ok := nameIn(path)
	if !ok {
		return nil, false
	}
	path = strings.TrimPrefix(path, "acme.test/"+name+"/@v/")
	mod := "module acme.test/" + name + "\n\ngo 1.21\n"
	if name == packageName {
		mod += "\nrequire acme.test/" + packageDep + " v1.0.0\n"
	}
	switch path {
	case "list":
		return []byte("v1.0.0\n"), true
	case "v1.0.0.info":
		return map[string]string{"Version": "v1.0.0", "Time": "2020-01-01T00:00:00Z"}, true
	case "v1.0.0.mod":
		return []byte(mod), true
	case "v1.0.0.zip":
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for file, text := range map[string]string{"go.mod": mod, "a.go": "package acme\n"} {
			w, _ := z.Create("acme.test/" + name + "@v1.0.0/" + file)
			_, _ = w.Write([]byte(text))
		}
		_ = z.Close()
		return b.Bytes(), true
	}
	return nil, false
}

// tarOf packs files, in an order that is always the same.
func tarOf(files map[string]string) []byte {
	var b bytes.Buffer
	compressed := gzip.NewWriter(&b)
	t := tar.NewWriter(compressed)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		_ = t.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))})
		_, _ = t.Write([]byte(files[name]))
	}
	_ = t.Close()
	_ = compressed.Close()
	return b.Bytes()
}
