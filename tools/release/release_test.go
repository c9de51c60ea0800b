package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const (
	version = "v1.2.3-rc1"
	prefix  = "regpass_1.2.3-rc1_"
	day     = "1767225600" // 2026-01-01
)

// TestRelease makes a release for all platforms, and another one for Linux from a folder of another name and on a
// machine that is set up differently: all that both made must be the same. That a compiler that starts from nothing makes
// the same program is shown by the engine script image.
func TestRelease(t *testing.T) {
	if runtime.GOOS+"/"+runtime.GOARCH != "linux/amd64" {
		t.Fatal("what is built is also run, so this needs linux/amd64")
	}
	t.Setenv("SOURCE_DATE_EPOCH", day)
	dir := makeRelease(t, "one", "")
	for name, value := range map[string]string{
		"GOCACHE": goEnv(t, "GOCACHE"), "TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8", "GOAMD64": "v3", "GOFLAGS": "-buildvcs=true -race=false",
		"REGPASS_TIMEOUT": "7s", "HOME": t.TempDir(), "GOPATH": goEnv(t, "GOPATH"),
	} {
		t.Setenv(name, value)
	}
	again := makeRelease(t, "quite another one", "linux/amd64")

	same := 0
	for _, name := range names(t, again) {
		if strings.HasPrefix(name, prefix) { // the others tell of all platforms
			same++
			if read(t, dir, name) != read(t, again, name) {
				t.Errorf("%s is not the same", name)
			}
		}
	}
	if same != 5 {
		t.Errorf("made twice were %q", names(t, again))
	}
	if said, err := exec.Command("sh", "-c", `cd "$0" && exec sha256sum --check --strict --quiet checksums.txt`, dir).CombinedOutput(); err != nil {
		t.Errorf("checksums.txt: %v: %s", err, said)
	}
	var want []string
	for _, p := range platforms {
		suffixes := map[string][]string{"linux": {"", ".apk", ".deb", ".spdx.json", ".tar.gz"}, "darwin": {"", ".spdx.json", ".tar.gz"},
			"windows": {".exe", ".spdx.json", ".zip"}}[p.os]
		for _, suffix := range suffixes {
			want = append(want, prefix+p.os+"_"+p.arch+suffix)
		}
	}
	want = append(want, "checksums.json", "checksums.txt", "regpass.rb")
	slices.Sort(want)
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("made:\n%q\nwant:\n%q", got, want)
	}
	if got := strings.Count(read(t, dir, "checksums.txt"), "\n"); got != len(want)-1 {
		t.Errorf("checksums.txt has %d lines", got)
	}

	for name, test := range map[string]func(*testing.T, string){
		"programs": testPrograms, "archives": testArchives, "pages": testPages, "deb": testDeb, "apk": testAPK, "sbom": testSBOM,
		"pins": testPins, "formula": testFormula,
	} {
		t.Run(name, func(t *testing.T) { test(t, dir) })
	}
}

func TestRefuses(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", day)
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "give the version"},
		{[]string{"1.2.3"}, `"1.2.3" is no version`},
		{[]string{"v1.2.3-4+dirty"}, `"v1.2.3-4+dirty" is no version`},
		{[]string{"-only", "plan9/amd64", "v1.2.3"}, `not built for "plan9/amd64"`},
		{[]string{"-to", t.TempDir(), "v1.2.3"}, "file exists"},
	} {
		if err := run(t.Context(), c.args); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.args, err, c.want)
		}
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if err := run(t.Context(), []string{"v1.2.3"}); err == nil || !strings.Contains(err.Error(), `"yesterday"`) {
		t.Errorf("with a bad SOURCE_DATE_EPOCH: %v", err)
	}
}

// TestWorkflowTags holds that the workflow makes a release of what is a version, and none where v1 is moved.
func TestWorkflowTags(t *testing.T) {
	found := regexp.MustCompile(`(?m)^    tags: \["(.*)"\]`).FindStringSubmatch(read(t, "../../.github/workflows/release.yml"))
	if found == nil {
		t.Fatal("the workflow names no tags")
	}
	for tag, want := range map[string]bool{"v1.2.3": true, version: true, "v1": false, "v1.2": false} {
		if got, err := path.Match(found[1], tag); err != nil || got != want {
			t.Errorf("%s and the tag %s: %v, %v", found[1], tag, got, err)
		}
	}
}

// makeRelease makes a release from a copy of the sources in a folder of that name, and returns where it is.
func makeRelease(t *testing.T, name, only string) string {
	t.Helper()
	from := filepath.Join(t.TempDir(), name)
	copySources(t, "../..", from)
	if err := run(t.Context(), []string{"-from", from, "-only", only, version}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(from, "dist")
}

// copySources copies a checkout without its history and without what was made in it.
func copySources(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if slices.Contains([]string{".git", "dist", "tools"}, name) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil // in a linked work tree .git is a file
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, name), 0o700)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), content, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// goEnv is a folder of Go's: what is there need not be fetched or compiled twice.
func goEnv(t *testing.T, name string) string {
	t.Helper()
	said, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(said))
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range found {
		all = append(all, f.Name())
	}
	return all
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
