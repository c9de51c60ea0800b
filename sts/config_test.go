package sts_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/sts"
)

const goodConfig = `# a service
listen = "127.0.0.1:9000"
public_url = "https://pkgs.example/"
token_lifetime = "30m"
signing_key = "keys/signing.pem"
max_upload = "1 GiB"

[[api_key]]
name = "deploy"
sha256 = "0000000000000000000000000000000000000000000000000000000000000001"
workspaces = ["acme"]
permissions = ["read", "write"]
expires = 2027-01-01T00:00:00Z

[[trust]]
issuer = "https://token.actions.githubusercontent.com"
claims = { repository = "acme/app", ref = "refs/tags/v*" }
workspace = "acme"
permissions = "write"

[[trust]]
name = "anyone at acme"
issuer = "https://gitlab.acme.example"
audience = "https://pkgs.example"
claims.namespace_path = "acme"
workspace = "acme"
permissions = "read"
lifetime = "10m"

[[index]]
workspace = "acme"
name = "main"
kind = "pypi"
folder = "wheels"

[[index]]
workspace = "acme"
name = "mirror"
kind = "conda"
upstream = "https://conda.example/channel"
upstream_token_env = "CONDA_TOKEN"
`

func load(t testing.TB, text string) (sts.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "regpass-serve.toml")
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return sts.LoadConfig(path)
}

func TestLoadConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "serve.toml")
	must(t, os.WriteFile(path, []byte(goodConfig), 0o600))
	got, err := sts.LoadConfig(path)
	must(t, err)
	dir := filepath.Dir(path)
	want := sts.Config{
		Listen: "127.0.0.1:9000", PublicURL: "https://pkgs.example", TokenLifetime: 30 * time.Minute,
		File: path, SigningKey: filepath.Join(dir, "keys", "signing.pem"), MaxUpload: 1 << 30,
		APIKeys: []sts.APIKey{{Name: "deploy", SHA256: strings.Repeat("0", 63) + "1", Workspaces: []string{"acme"},
			Permissions: sts.Permissions{sts.Read, sts.Write}, Expires: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}},
		Trust: []sts.Trust{
			{Name: "trust-1", Issuer: "https://token.actions.githubusercontent.com", Audience: "pkgs.example",
				Claims:    map[string]string{"repository": "acme/app", "ref": "refs/tags/v*"},
				Workspace: "acme", Permissions: sts.Permissions{sts.Write}, Lifetime: 30 * time.Minute},
			{Name: "anyone at acme", Issuer: "https://gitlab.acme.example", Audience: "https://pkgs.example",
				Claims:    map[string]string{"namespace_path": "acme"},
				Workspace: "acme", Permissions: sts.Permissions{sts.Read}, Lifetime: 10 * time.Minute},
		},
		Indexes: []sts.Index{
			{Workspace: "acme", Name: "main", Kind: sts.PyPI, Folder: filepath.Join(dir, "wheels")},
			{Workspace: "acme", Name: "mirror", Kind: sts.Conda, Upstream: "https://conda.example/channel",
				UpstreamTokenEnv: "CONDA_TOKEN"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestConfigRefuses changes one thing in a good configuration.
func TestConfigRefuses(t *testing.T) {
	for _, test := range []struct{ old, new, says string }{
		{`listen =`, `lissten =`, `line 2: "lissten": unknown key`},
		{`lifetime = "10m"`, `lifetim = "10m"`, `line 28: "trust.lifetim": unknown key`},
		{`[[index]]`, `[[indexes]]`, `unknown key`},
		{`"127.0.0.1:9000"`, `"9000"`, `line 2: listen: `},
		{`"https://pkgs.example/"`, `"https://pkgs.example/prefix"`, `line 3: public_url: `},
		{`"https://pkgs.example/"`, `"http://pkgs.example"`, `line 3: public_url: `},
		{`"https://pkgs.example/"`, `"https://me:pw@pkgs.example"`, `line 3: public_url: `},
		{`public_url = "https://pkgs.example/"`, ``, `public_url: missing`},
		{`"30m"`, `"30ms"`, `line 4: token_lifetime: not between 1s and 24h0m0s`},
		{`"30m"`, `"soon"`, `line 4`},
		{`"1 GiB"`, `"1 GiBs"`, `line 6: max_upload: not a size`},
		{`"1 GiB"`, `"-1"`, `line 6: max_upload: not a size`},
		{`"1 GiB"`, `"9999999999 GiB"`, `line 6: max_upload: not a size`},
		{`max_upload`, `tls_key = "x"` + "\nmax_upload", `tls_cert: tls_cert and tls_key go together`},
		{`"deploy"`, `""`, `line 9: api_key[0].name: `},
		{`0000000001"`, `0000000001"` + " # x\nsha256 = 1", `line 11`},
		{`0000000001"`, `sk-regpass-x"`, `line 10: api_key[0].sha256: not 64 hex digits`},
		{strings.Repeat("0", 63) + "1", strings.Repeat("0", 64), `line 10: api_key[0].sha256: a placeholder`},
		{strings.Repeat("0", 63) + "1", strings.Repeat("F", 64), `line 10: api_key[0].sha256: a placeholder`},
		{strings.Repeat("0", 63) + "1", strings.Repeat("0123456789abcdef", 4), `line 10: api_key[0].sha256: a placeholder`},
		{strings.Repeat("0", 63) + "1", digest(""), `line 10: api_key[0].sha256: a placeholder`},
		{strings.Repeat("0", 63) + "1", strings.ToUpper(digest("\n")), `line 10: api_key[0].sha256: a placeholder`},
		{`workspaces = ["acme"]`, `workspaces = []`, `line 11: api_key[0].workspaces: `},
		{`workspaces = ["acme"]`, `workspaces = ["*"]`, `line 11: api_key[0].workspaces: `},
		{`["read", "write"]`, `["admin"]`, `line 12: api_key[0].permissions: `},
		{`"https://token.actions`, `"http://token.actions`, `line 16: trust[0].issuer: `},
		{`"https://gitlab.acme`, `"gitlab.acme`, `line 23: trust[1].issuer: `},
		{`{ repository = "acme/app", ref = "refs/tags/v*" }`, `{}`, `line 17: trust[0].claims: no claim is pinned`},
		{`{ repository = "acme/app", ref = "refs/tags/v*" }`, `{ repository = "**" }`,
			`line 17: trust[0].claims: no claim is pinned`},
		{`{ repository = "acme/app", ref = "refs/tags/v*" }`, `{ ref = "refs/tags/v1" }`,
			`trust[0].claims: this issuer serves everyone`},
		{`repository = "acme/app"`, `repository = "*/app"`, `trust[0].claims: this issuer serves everyone`},
		{`repository = "acme/app"`, `repository = "acme*"`, `trust[0].claims: this issuer serves everyone`},
		{`repository = "acme/app"`, `aud = "acme/app"`, `trust[0].claims: aud takes no pattern`},
		{`repository = "acme/app"`, `repository = ""`, `trust[0].claims: "repository" has an empty pattern`},
		{`permissions = "write"`, `permissions = "all"`, `line 19: trust[0].permissions: `},
		{`permissions = "write"`, `permissions = ["write", "all"]`, `line 19: trust[0].permissions: `},
		{`permissions = "write"`, `permissions = []`, `line 19: trust[0].permissions: `},
		{`permissions = "write"`, ``, `trust[0].permissions: `},
		{`permissions = "write"`, `permissions = [["write"]]`, `trust.permissions: cannot decode`},
		{`folder = "wheels"`, `folder = "wheels"` + "\nreserved = [\"*\"]", `line 35: index[0].reserved: not a list of`},
		{`folder = "wheels"`, `folder = "wheels"` + "\nreserved = [\"a b\"]", `line 35: index[0].reserved: not a list of`},
		{`kind = "conda"`, `kind = "conda"` + "\nreserved = [\"acme-*\"]", `line 40: index[1].reserved: only an index of`},
		{`"anyone at acme"`, `"trust-1"`, `line 22: trust[1].name: another policy`},
		{`lifetime = "10m"`, `lifetime = "48h"`, `line 28: trust[1].lifetime: `},
		{`"pypi"`, `"npm"`, `line 33: index[0].kind: `},
		{`folder = "wheels"`, ``, `index[0].folder: an index has either`},
		{`folder = "wheels"`, `folder = "wheels"` + "\n" + `upstream_token_env = "X"`,
			`index[0].folder: an index with a folder`},
		{`"https://conda.example/channel"`, `"http://conda.example/channel"`, `line 40: index[1].upstream: `},
		{`upstream_token_env = "CONDA_TOKEN"`, `upstream_hosts = ["https://x"]`, `line 41: index[1].upstream_hosts: `},
		{`name = "mirror"`, `name = "Mirror"`, `line 38: index[1].name: `},
		{`name = "mirror"
kind = "conda"
upstream`, `name = "main"
kind = "pypi"
upstream`, `line 38: index[1].name: another index`},
		{`# a service`, `= nonsense`, `line 1`},
		{`"1 GiB"`, `1.5`, `line 6: not a size`},
		{`2027-01-01T00:00:00Z`, `1`, `line 13: `},
		{`"deploy"`, `"""` + "\n[[trust]]\n" + `"""`, `line 9: api_key[0].name: `},
		{`"https://gitlab.acme.example"`, `"""` + "\n[[trust]]\n" + `"""`, `line 23: trust[1].issuer: `},
		{`"deploy"`, `7`, `line 9: api_key.name: `},
		{`listen = "127.0.0.1:9000"`, `LISTEN = "9000"`, `line 2: listen: `},
	} {
		if !strings.Contains(goodConfig, test.old) {
			t.Fatalf("%q is not in the configuration", test.old)
		}
		_, err := load(t, strings.Replace(goodConfig, test.old, test.new, 1))
		if err == nil || !strings.Contains(err.Error(), test.says) || !errors.Is(err, regpass.ErrUsage) {
			t.Errorf("%s -> %s: error %v, want one that says %s", test.old, test.new, err, test.says)
		}
	}
	if _, err := sts.LoadConfig(filepath.Join(t.TempDir(), "none.toml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestPermissionsAreListsOrStrings, in both tables.
func TestPermissionsAreListsOrStrings(t *testing.T) {
	text := strings.Replace(goodConfig, `["read", "write"]`, `"read"`, 1)
	text = strings.Replace(text, `permissions = "write"`, `permissions = ["read", "write"]`, 1)
	got, err := load(t, text)
	must(t, err)
	if want := (sts.Permissions{sts.Read}); !reflect.DeepEqual(got.APIKeys[0].Permissions, want) {
		t.Errorf("the key has %v", got.APIKeys[0].Permissions)
	}
	if want := (sts.Permissions{sts.Read, sts.Write}); !reflect.DeepEqual(got.Trust[0].Permissions, want) {
		t.Errorf("the policy has %v", got.Trust[0].Permissions)
	}
}

// TestAudienceIsTheServicesOwn: host and port of public_url, without the port of its scheme.
func TestAudienceIsTheServicesOwn(t *testing.T) {
	for address, want := range map[string]string{
		"https://pkgs.example/": "pkgs.example", "https://Pkgs.Example:443": "pkgs.example",
		"https://pkgs.example:8443": "pkgs.example:8443", "https://pkgs.example:80": "pkgs.example:80",
		"http://127.0.0.1:80": "127.0.0.1", "http://[::1]:8080": "[::1]:8080", "http://localhost:443": "localhost:443",
	} {
		got, err := load(t, strings.Replace(goodConfig, "https://pkgs.example/", address, 1))
		must(t, err)
		if got.Trust[0].Audience != want || got.Trust[1].Audience != "https://pkgs.example" {
			t.Errorf("%s: audiences %q and %q, want %q and the policy's own", address, got.Trust[0].Audience,
				got.Trust[1].Audience, want)
		}
		if got.Warnings() != nil {
			t.Errorf("warnings %q", got.Warnings())
		}
	}
	for audience, n := range map[string]int{"pyx": 1, "pyx:trusted-access": 1, "pyx.example": 0, "pyxis": 0} {
		got, err := load(t, strings.Replace(goodConfig, `audience = "https://pkgs.example"`, `audience = "`+audience+`"`, 1))
		must(t, err)
		if w := got.Warnings(); len(w) != n || n == 1 && !strings.Contains(w[0], `"anyone at acme" takes identities`) {
			t.Errorf("%s: warnings %q", audience, w)
		}
	}
}

// TestListening: other machines are let in without TLS only if that is said.
func TestListening(t *testing.T) {
	for listen, ok := range map[string]bool{"127.0.0.1:0": true, "[::1]:0": true, "localhost:0": true,
		"0.0.0.0:8080": false, "[::]:8080": false, ":8080": false, "192.0.2.1:8080": false, "pkgs.example:8080": false} {
		for _, insecure := range []bool{false, true} {
			env := &regpass.Env{Now: time.Now, HTTP: http.DefaultClient}
			cfg := sts.Config{PublicURL: origin, Listen: listen, Insecure: insecure}
			s, err := sts.New(t.Context(), cfg, sts.Options{Env: env})
			if (err == nil) != (ok || insecure) || err != nil && !errors.Is(err, regpass.ErrUsage) {
				t.Errorf("%s, insecure %v: %v", listen, insecure, err)
			}
			if err == nil {
				must(t, s.Close())
			}
		}
	}
}

// TestMissingFolder is told with how it was looked for.
func TestMissingFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "serve.toml")
	must(t, os.WriteFile(path, []byte("public_url = \""+origin+"\"\n[[index]]\nworkspace = \"acme\"\nname = \"main\"\n"+
		"kind = \"pypi\"\nfolder = \"wheels\"\n"), 0o600))
	t.Chdir(filepath.Dir(path))
	cfg, err := sts.LoadConfig("serve.toml")
	must(t, err)
	_, err = sts.New(t.Context(), cfg, sts.Options{Env: &regpass.Env{Now: time.Now, HTTP: http.DefaultClient}})
	if err == nil {
		t.Fatal("started without its folder")
	}
	for _, part := range []string{"index acme/main", "no folder " + filepath.Join(filepath.Dir(path), "wheels"),
		"begins at the folder of " + path} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add(goodConfig)
	f.Add("[[trust]]\nclaims = {a=\"*\"}\n[[index]]\nkind=\"pypi\"")
	f.Add("max_upload = 99999999999999999999\n[trust]\nx=1")
	f.Add("max_upload = 1.5\n[[api_key]]\nexpires = true")
	f.Add("a.b[0].c = 1\n[\"trust[0].issuer\"]")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := load(t, text)
		if err != nil {
			if !strings.Contains(err.Error(), "regpass-serve.toml: line ") {
				t.Errorf("%q: no line in %v", text, err)
			}
			return
		}
		// What was accepted can be written down by hand as well, and trusts nobody by accident.
		for _, p := range c.Trust {
			if len(p.Claims) == 0 || p.Audience == "" || p.Workspace == "" {
				t.Errorf("accepted the policy %+v", p)
			}
		}
		if c.PublicURL == "" || c.TokenLifetime < time.Second {
			t.Errorf("accepted %+v", c)
		}
	})
}
