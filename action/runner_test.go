package action_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	githubactions "github.com/sethvargo/go-githubactions"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
	"github.com/regpass/regpass/internal/fake"
)

// step is a runner's side of one step, and what the step knows of it.
func step(t *testing.T) (fake.Runner, map[string]string) {
	t.Helper()
	r := fake.Runner{Dir: t.TempDir()}
	environ, err := r.Step()
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		vars[name] = value
	}
	return r, vars
}

func lookup(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func told(t *testing.T, r fake.Runner, file string) map[string]string {
	t.Helper()
	values, err := r.Values(file)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// panics says what f panics with, or nothing.
func panics(f func()) (with any) {
	defer func() { with = recover() }()
	f()
	return nil
}

// TestLibraryHoles shows what go-githubactions leaves open, and that it is closed here. Where the library is mended,
// this test says so, and the wrapper can go.
func TestLibraryHoles(t *testing.T) {
	const hostile = "x\n_GitHubActionsFileCommandDelimeter_\nNODE_OPTIONS=--require=/tmp/evil"
	t.Run("one delimiter for all", func(t *testing.T) {
		_, vars := step(t)
		githubactions.New(githubactions.WithGetenv(lookup(vars))).SetEnv("token", hostile)
		raw, err := os.ReadFile(vars["GITHUB_ENV"])
		if err != nil || !strings.Contains(string(raw), "\nNODE_OPTIONS=--require=/tmp/evil\n") {
			t.Errorf("the library's value does not leave its block: %q, %v", raw, err)
		}
		r, vars := step(t)
		if err := action.New(&regpass.Env{Getenv: lookup(vars)}).SetEnv("token", hostile); err != nil {
			t.Fatal(err)
		}
		if got := told(t, r, "env"); len(got) != 1 || got["token"] != hostile {
			t.Errorf("the runner was told %q", got)
		}
	})
	t.Run("names are not checked", func(t *testing.T) {
		r, vars := step(t)
		githubactions.New(githubactions.WithGetenv(lookup(vars))).SetOutput("a=b\nc", "d")
		if got := told(t, r, "output"); got["a"] != "b" {
			t.Errorf("the library's name does not make another value: %q", got)
		}
		r, vars = step(t)
		for _, name := range []string{"", "a=b\nc", "a<<b", "a\nb", "1", "a b", "a%0Ab"} {
			if err := action.New(&regpass.Env{Getenv: lookup(vars)}).SetOutput(name, "d"); err == nil {
				t.Errorf("%q is taken as a name", name)
			}
		}
		if got := told(t, r, "output"); len(got) > 0 {
			t.Errorf("the runner was told %q", got)
		}
	})
	t.Run("files that are not there", func(t *testing.T) {
		_, vars := step(t)
		delete(vars, "GITHUB_OUTPUT")
		vars["GITHUB_STATE"] = filepath.Join(t.TempDir(), "new")
		vars["GITHUB_ENV"] = t.TempDir()
		lib, ours := githubactions.New(githubactions.WithGetenv(lookup(vars))), action.New(&regpass.Env{Getenv: lookup(vars)})
		if panics(func() { lib.SetOutput("a", "b") }) == nil {
			t.Error("the library does not panic without GITHUB_OUTPUT")
		}
		lib.SaveState("a", "b")
		if st, err := os.Stat(vars["GITHUB_STATE"]); err != nil || st.Mode().Perm()&0o044 == 0 {
			t.Errorf("the library does not make a file that all can read: %v", err)
		}
		if err := os.Remove(vars["GITHUB_STATE"]); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"GITHUB_OUTPUT": ours.SetOutput("a", "b"),
			"GITHUB_STATE":  ours.SaveState("a", "b"),
			"GITHUB_ENV":    ours.SetEnv("a", "b"),
		} {
			if err == nil || !strings.Contains(err.Error(), name) || len(regpass.Hints(err)) == 0 {
				t.Errorf("%s: %v, hints %q", name, err, regpass.Hints(err))
			}
		}
		if _, err := os.Stat(vars["GITHUB_STATE"]); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a file was made: %v", err)
		}
	})
	t.Run("masks of nothing, and writers that fail", func(t *testing.T) {
		var out bytes.Buffer
		githubactions.New(githubactions.WithWriter(&out)).AddMask("")
		if out.Len() == 0 {
			t.Error("the library does not mask the empty text")
		}
		if panics(func() { githubactions.New(githubactions.WithWriter(closed{})).AddMask("secret") }) == nil {
			t.Error("the library does not panic where it can't write")
		}
		if err := action.Mask(closed{}, regpass.NewSecret("secret"), os.Getenv); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a mask that was not written: %v", err)
		}
		if err := action.Annotate(closed{}, action.Error, "a", "b"); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("an annotation that was not written: %v", err)
		}
	})
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// A step's files keep what others told, take any value, and are then their owner's.
func TestRunnerFiles(t *testing.T) {
	r, vars := step(t)
	ours := action.New(&regpass.Env{Getenv: lookup(vars)})
	if err := os.WriteFile(vars["GITHUB_OUTPUT"], []byte("before=1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"before": "1", "empty": "", "lines": "a\n\nb\n", "percent": "100%25%0A", "equals": "a=b<<c", "twice": "second",
	}
	for name, value := range want {
		if name == "twice" {
			if err := ours.SetOutput(name, "first"); err != nil {
				t.Fatal(err)
			}
		}
		if name == "before" {
			continue
		}
		if err := ours.SetOutput(name, value); err != nil {
			t.Fatal(err)
		}
	}
	got := told(t, r, "output")
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: the runner was told %q, not %q", name, got[name], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the runner was told %q", got)
	}
	if st, err := os.Stat(vars["GITHUB_OUTPUT"]); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", st.Mode(), err)
	}
	if err := ours.SetOutput("nul", "a\x00b"); err == nil {
		t.Error("a NUL byte is taken, which a variable can't hold")
	}
	ends := delimiters(t, vars["GITHUB_OUTPUT"])
	if len(slices.Compact(slices.Sorted(slices.Values(ends)))) != len(ends) || len(ends) < 5 {
		t.Errorf("a delimiter was used twice: %q", ends)
	}
}

func delimiters(t *testing.T, path string) (all []string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if _, end, ok := strings.Cut(strings.TrimSpace(line), "<<regpass_"); ok {
			all = append(all, end)
		}
	}
	return all
}
