package sample

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/textproto"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func unzip(t *testing.T, content []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r) // checks the CRC
		if err != nil {
			t.Fatal(f.Name, err)
		}
		out[f.Name] = data
	}
	return out
}

func TestWheel(t *testing.T) {
	name, content, err := Wheel("acme-tool", "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if name != "acme_tool-1.2.3-py3-none-any.whl" {
		t.Errorf("the file is named %s", name)
	}
	got := unzip(t, content)
	if !strings.Contains(string(got["acme_tool.py"]), "hello from acme-tool 1.2.3") {
		t.Errorf("acme_tool.py is %q", got["acme_tool.py"])
	}
	head, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(got["acme_tool-1.2.3.dist-info/METADATA"],
		'\n')))).ReadMIMEHeader()
	if err != nil || head.Get("Name") != "acme-tool" || head.Get("Version") != "1.2.3" {
		t.Errorf("METADATA is %v, %v", head, err)
	}
	if !strings.Contains(string(got["acme_tool-1.2.3.dist-info/WHEEL"]), "\nTag: py3-none-any\n") {
		t.Errorf("WHEEL is %q", got["acme_tool-1.2.3.dist-info/WHEEL"])
	}
	rows, err := csv.NewReader(bytes.NewReader(got["acme_tool-1.2.3.dist-info/RECORD"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(got) {
		t.Errorf("RECORD lists %d of %d files", len(rows), len(got))
	}
	for _, row := range rows {
		data, ok := got[row[0]]
		if !ok {
			t.Errorf("RECORD lists %s, which is not there", row[0])
		}
		if strings.HasSuffix(row[0], "/RECORD") {
			continue
		}
		sum := sha256.Sum256(data)
		want := []string{row[0], "sha256=" + base64.RawURLEncoding.EncodeToString(sum[:]), fmt.Sprint(len(data))}
		if !reflect.DeepEqual(row, want) {
			t.Errorf("RECORD says %v, not %v", row, want)
		}
	}
}

func untar(t *testing.T, compressed []byte) map[string][]byte {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if out[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func decode(t *testing.T, data []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
}

func TestChannel(t *testing.T) {
	dir := t.TempDir()
	if err := Channel(dir, "acme-tool", "1.2.3"); err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	const filename = "acme-tool-1.2.3-0.conda"
	var noarch, linux repodata
	decode(t, read("noarch/repodata.json"), &noarch)
	decode(t, read("linux-64/repodata.json"), &linux)
	listed, ok := noarch.Conda[filename]
	if !ok || len(noarch.Conda) != 1 || len(linux.Conda) != 0 || linux.Info["subdir"] != "linux-64" {
		t.Fatalf("noarch lists %v, linux-64 is %+v", noarch.Conda, linux)
	}
	content := read("noarch/" + filename)
	sha, sum := sha256.Sum256(content), md5.Sum(content)
	if listed.SHA256 != hex.EncodeToString(sha[:]) || listed.MD5 != hex.EncodeToString(sum[:]) ||
		listed.Size != len(content) {
		t.Errorf("repodata.json says %+v of another file", listed)
	}

	outer := unzip(t, content)
	if string(outer["metadata.json"]) != `{"conda_pkg_format_version": 2}` || len(outer) != 3 {
		t.Errorf("the package holds %d files, metadata.json is %s", len(outer), outer["metadata.json"])
	}
	payload := untar(t, outer["pkg-acme-tool-1.2.3-0.tar.zst"])
	info := untar(t, outer["info-acme-tool-1.2.3-0.tar.zst"])
	const hello = "share/acme-tool/hello.txt"
	if string(payload[hello]) != "hello from acme-tool 1.2.3\n" || len(payload) != 1 {
		t.Errorf("the package installs %q", payload)
	}
	if string(info["info/files"]) != hello+"\n" {
		t.Errorf("info/files is %q", info["info/files"])
	}
	var about index
	decode(t, info["info/index.json"], &about)
	listed.SHA256, listed.MD5, listed.Size = "", "", 0
	if !reflect.DeepEqual(about, listed) {
		t.Errorf("info/index.json is %+v and repodata.json %+v", about, listed)
	}
	var paths struct {
		Version int    `json:"paths_version"`
		Paths   []path `json:"paths"`
	}
	decode(t, info["info/paths.json"], &paths)
	inside := sha256.Sum256(payload[hello])
	want := []path{{Path: hello, Type: "hardlink", SHA256: hex.EncodeToString(inside[:]), Size: len(payload[hello])}}
	if paths.Version != 1 || !reflect.DeepEqual(paths.Paths, want) {
		t.Errorf("info/paths.json is %+v", paths)
	}
}

func TestSameBytesAgain(t *testing.T) {
	_, first, err := Wheel("acme", "1.0")
	if err != nil {
		t.Fatal(err)
	}
	if _, second, _ := Wheel("acme", "1.0"); !bytes.Equal(first, second) {
		t.Error("two wheels of one name and version differ")
	}
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		if err := Channel(dir, "acme", "1.0"); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	err = fs.WalkDir(os.DirFS(a), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		one, err := os.ReadFile(filepath.Join(a, name))
		if err != nil {
			return err
		}
		other, err := os.ReadFile(filepath.Join(b, name))
		if err == nil && !bytes.Equal(one, other) {
			t.Errorf("two files %s differ", name)
		}
		seen++
		return err
	})
	if err != nil || seen != len(platforms)+2 {
		t.Errorf("compared %d files: %v", seen, err)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, version string }{
		{"", "1"}, {"Acme", "1"}, {"a_b", "1"}, {"../a", "1"}, {"a", ""}, {"a", "1.0/.."}, {"a", "v1"}, {"a,b", "1"},
		{"a\n", "1"},
	} {
		if _, _, err := Wheel(c.name, c.version); err == nil {
			t.Errorf("a wheel %q %q was made", c.name, c.version)
		}
		dir := t.TempDir()
		if err := Channel(dir, c.name, c.version); err == nil {
			t.Errorf("a channel with %q %q was made", c.name, c.version)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%q %q left %v behind", c.name, c.version, left)
		}
	}
}
