package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func testPrograms(t *testing.T, dir string) {
	for _, p := range platforms {
		name := prefix + p.os + "_" + p.arch + p.exe()
		info, err := buildinfo.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		if settings["GOOS"] != p.os || settings["GOARCH"] != p.arch || settings["CGO_ENABLED"] != "0" || settings["-trimpath"] != "true" {
			t.Errorf("%s was built with %v", name, settings)
		}
		if settings["vcs.revision"] != "" {
			t.Errorf("%s depends on the commit", name)
		}
	}
	said, err := exec.Command(filepath.Join(dir, prefix+"linux_amd64"), "version").CombinedOutput()
	if want := "regpass " + version + " go"; err != nil || !strings.HasPrefix(string(said), want) {
		t.Errorf("the program says %q, %v; want %s", said, err, want)
	}
}

func testArchives(t *testing.T, dir string) {
	for _, p := range platforms {
		folder := prefix + p.os + "_" + p.arch
		var got map[string]string // content by name; programs have a star after it
		if p.os == "windows" {
			got = unzip(t, read(t, dir, folder+".zip"))
		} else {
			got = untar(t, gunzip(t, read(t, dir, folder+".tar.gz")))
		}
		want := map[string]string{"README.md": read(t, "../../README.md"), "LICENSE": read(t, "../../LICENSE"), "CHANGELOG.md": read(t, "../../CHANGELOG.md"),
			"regpass" + p.exe() + "*": read(t, dir, folder+p.exe())}
		for name, content := range want {
			if got[folder+"/"+name] != content {
				t.Errorf("%s: %s is missing or another", folder, name)
			}
		}
		for name, part := range map[string]string{
			"completions/regpass.bash": "__start_regpass", "completions/_regpass": "#compdef regpass", "completions/regpass.fish": "complete -c regpass",
			"completions/regpass.ps1": "Register-ArgumentCompleter", "man/regpass.1": ".TH REGPASS 1 2026-01-01 \"regpass " + version + `"`,
			"man/regpass-exec.1": "(default 30s)",
		} {
			if !strings.Contains(got[folder+"/"+name], part) {
				t.Errorf("%s: %s does not hold %s", folder, name, part)
			}
		}
	}
}

func testPages(t *testing.T, dir string) {
	pages := t.TempDir()
	unpack := exec.Command("tar", "-xzf", filepath.Join(dir, prefix+"linux_amd64.tar.gz"), "-C", pages, "--strip-components=2", "--wildcards", "*/man/*")
	if said, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	found, err := filepath.Glob(pages + "/*.1")
	if err != nil || len(found) < 15 {
		t.Fatalf("manual pages: %q, %v", found, err)
	}
	if said, err := exec.Command("mandoc", append([]string{"-T", "lint", "-W", "warning"}, found...)...).CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("mandoc: %v: %s", err, said)
	}
}

func testDeb(t *testing.T, dir string) {
	for _, arch := range []string{"amd64", "arm64"} {
		deb := filepath.Join(dir, prefix+"linux_"+arch+".deb")
		said, err := exec.Command("dpkg-deb", "--field", deb, "Package", "Version", "Architecture", "Maintainer", "Recommends").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		want := "Package: regpass\nVersion: 1.2.3~rc1\nArchitecture: " + arch + "\nMaintainer: regpass <regpass@users.noreply.github.com>\nRecommends: ca-certificates\n"
		if string(said) != want {
			t.Errorf("%s says:\n%s\nwant:\n%s", deb, said, want)
		}
	}
	root := t.TempDir()
	if said, err := exec.Command("dpkg-deb", "--extract", filepath.Join(dir, prefix+"linux_amd64.deb"), root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if read(t, root, "usr/bin/regpass") != read(t, dir, prefix+"linux_amd64") {
		t.Error("the package holds another program")
	}
	if said, err := exec.Command(root+"/usr/bin/regpass", "version").Output(); err != nil || !strings.Contains(string(said), version) {
		t.Errorf("the package's program says %q, %v", said, err)
	}
	if page := gunzip(t, read(t, root, "usr/share/man/man1/regpass-token.1.gz")); !strings.HasPrefix(page, ".TH REGPASS-TOKEN 1 ") {
		t.Errorf("a manual page begins with %.40q", page)
	}
	if read(t, root, "usr/share/doc/regpass/copyright") != read(t, "../../LICENSE") {
		t.Error("the licence is missing")
	}
}

// testAPK reads packages as apk does (wiki.alpinelinux.org/wiki/Apk_spec): two streams of gzip, of which the first tells
// the checksum of the second, and whose tar files are one when they are put together.
func testAPK(t *testing.T, dir string) {
	for arch, apkArch := range map[string]string{"amd64": "x86_64", "arm64": "aarch64"} {
		content := strings.NewReader(read(t, dir, prefix+"linux_"+arch+".apk"))
		control := stream(t, content)
		rest := content.Len()
		data := read(t, dir, prefix+"linux_"+arch+".apk")[int(content.Size())-rest:]
		all := untar(t, control+stream(t, content))
		if content.Len() != 0 {
			t.Errorf("%s: %d bytes follow", arch, content.Len())
		}
		info := strings.Split(all[".PKGINFO"], "\n")
		for _, want := range []string{"pkgname = regpass", "pkgver = 1.2.3_rc1", "arch = " + apkArch, "pkgdesc = " + summary, "license = Apache-2.0",
			"depend = ca-certificates-bundle", fmt.Sprintf("datahash = %x", sha256.Sum256([]byte(data)))} {
			if !slices.Contains(info, want) {
				t.Errorf("%s: .PKGINFO has no line %q:\n%s", arch, want, all[".PKGINFO"])
			}
		}
		if all["usr/bin/regpass*"] != read(t, dir, prefix+"linux_"+arch) {
			t.Errorf("%s: the package holds another program", arch)
		}
	}
}

func testSBOM(t *testing.T, dir string) {
	for _, p := range platforms {
		program := prefix + p.os + "_" + p.arch + p.exe()
		var d spdxDocument
		if err := json.Unmarshal([]byte(read(t, dir, prefix+p.os+"_"+p.arch+".spdx.json")), &d); err != nil {
			t.Fatal(err)
		}
		if d.Version != "SPDX-2.3" || d.Creation.Created != "2026-01-01T00:00:00Z" || d.Packages[0].File != program {
			t.Errorf("the document is %s of %s for %s", d.Version, d.Creation.Created, d.Packages[0].File)
		}
		if got, want := d.Packages[0].Checksums[0].Value, fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, dir, program)))); got != want {
			t.Errorf("%s: checksum %s, want %s", program, got, want)
		}
		known, urls := map[string]bool{spdxThis: true}, map[string]bool{}
		for _, m := range d.Packages {
			if known[m.ID] || urls[m.Refs[0].Locator] {
				t.Errorf("%s: %s is there twice", program, m.Name)
			}
			known[m.ID], urls[m.Refs[0].Locator] = true, true
		}
		for _, r := range d.Relationships {
			if !known[r.From] || !known[r.To] {
				t.Errorf("%s: %v tells of what is not there", program, r)
			}
		}
		info, err := buildinfo.ReadFile(filepath.Join(dir, program))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(d.Packages), len(info.Deps)+2; got != want || len(d.Relationships) != want {
			t.Errorf("%s: %d packages and %d relationships, want %d", program, got, len(d.Relationships), want)
		}
		if !urls["pkg:golang/std@"+strings.TrimPrefix(info.GoVersion, "go")] || !urls["pkg:golang/github.com/regpass/regpass@"+version] {
			t.Errorf("%s: Go or the program is missing", program)
		}
	}
}

func testPins(t *testing.T, dir string) {
	var p pins
	if err := json.Unmarshal([]byte(read(t, dir, "checksums.json")), &p); err != nil {
		t.Fatal(err)
	}
	if p.Version != version || len(p.Assets) != len(platforms) {
		t.Errorf("pinned are %d programs of %s", len(p.Assets), p.Version)
	}
	for _, of := range platforms {
		got := p.Assets[of.os+"-"+of.arch]
		want := fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, dir, prefix+of.os+"_"+of.arch+of.exe()))))
		if got != want {
			t.Errorf("%s: %v, want %v", of, got, want)
		}
	}
}

func testFormula(t *testing.T, dir string) {
	text := read(t, dir, "regpass.rb")
	for _, p := range platforms[:4] {
		name := prefix + p.os + "_" + p.arch + ".tar.gz"
		want := fmt.Sprintf("      url \"%s/releases/download/%s/%s\"\n      sha256 \"%x\"\n", home, version, name, sha256.Sum256([]byte(read(t, dir, name))))
		if !strings.Contains(text, want) {
			t.Errorf("the formula does not hold\n%s", want)
		}
	}
	if strings.Count(text, " do\n") != 7 || strings.Count(text, "sha256") != 4 {
		t.Errorf("the formula is\n%s", text)
	}
}

// stream reads one stream of gzip.
func stream(t *testing.T, r *strings.Reader) string {
	t.Helper()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	content, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// gunzip reads what is one stream of gzip, and the one that gzip -n writes.
func gunzip(t *testing.T, content string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if !z.ModTime.IsZero() || z.Name != "" {
		t.Errorf("gzip tells the time %s and the name %q", z.ModTime, z.Name)
	}
	return stream(t, strings.NewReader(content))
}

func untar(t *testing.T, content string) map[string]string {
	t.Helper()
	all, r := map[string]string{}, tar.NewReader(strings.NewReader(content))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		add(t, all, h.Name, h.FileInfo().Mode().Perm()&0o111 != 0, h.ModTime, r)
	}
}

func unzip(t *testing.T, content string) map[string]string {
	t.Helper()
	r, err := zip.NewReader(strings.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range r.File {
		opened, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		add(t, all, f.Name, f.Mode().Perm()&0o111 != 0, f.Modified, opened)
	}
	return all
}

func add(t *testing.T, all map[string]string, name string, program bool, when time.Time, from io.Reader) {
	t.Helper()
	var content bytes.Buffer
	if _, err := content.ReadFrom(from); err != nil {
		t.Fatal(err)
	}
	if program && !strings.HasSuffix(name, "/") {
		name += "*"
	}
	if want := time.Unix(1767225600, 0); !when.Equal(want) && name != ".PKGINFO" {
		t.Errorf("%s is of %s", name, when)
	}
	all[name] = content.String()
}
