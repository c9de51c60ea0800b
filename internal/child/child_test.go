//go:build unix

package child_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/child"
)

func TestRun(t *testing.T) {
	redact := regpass.NewRedactor(regpass.NewSecret("a-secret-word"))
	for _, tt := range []struct {
		name, script string
		redact       *regpass.Redactor
		code         int
		out, errs    string
	}{
		{name: "good end", script: "cat; echo to stderr >&2", out: "from stdin", errs: "to stderr\n"},
		{name: "own exit code", script: "exit 7", code: 7},
		{name: "ended by a signal", script: "kill -TERM $$", code: child.Signaled + 15},
		{name: "its environment", script: `echo "$GREETING"`, out: "hello\n"},
		{name: "not redacted", script: "echo a-secret-word", out: "a-secret-word\n"},
		{name: "redacted", script: "echo a-secret-word; printf a-secret-word >&2; exit 3", redact: redact,
			code: 3, out: "***\n", errs: "***"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs strings.Builder
			code, err := child.Run(child.Command{Path: "/bin/sh", Args: []string{"sh", "-c", tt.script},
				Env:   []string{"GREETING=hello", "PATH=" + os.Getenv("PATH")},
				Stdin: strings.NewReader("from stdin"), Stdout: &out, Stderr: &errs, Redact: tt.redact})
			if err != nil || code != tt.code || out.String() != tt.out || errs.String() != tt.errs {
				t.Errorf("code %d, error %v, stdout %q, stderr %q", code, err, out.String(), errs.String())
			}
		})
	}
}

// Two streams that are one file stay one: half a secret on each is seen as it is read.
func TestOneFileIsOneStream(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "both"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	code, err := child.Run(child.Command{Path: "/bin/sh",
		Args:   []string{"sh", "-c", "printf a-secret; printf -- -word >&2"},
		Stdout: file, Stderr: file, Redact: regpass.NewRedactor(regpass.NewSecret("a-secret-word"))})
	if code != 0 || err != nil {
		t.Fatal(code, err)
	}
	got, err := os.ReadFile(file.Name())
	if err != nil || string(got) != "***" {
		t.Errorf("%q, %v", got, err)
	}
}

// broken is a stream that nobody reads any more.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestOutputThatCannotBePassedOn(t *testing.T) {
	for _, redact := range []*regpass.Redactor{nil, regpass.NewRedactor()} {
		for script, code := range map[string]int{"echo hello": 0, "echo hello; exit 5": 5} {
			got, err := child.Run(child.Command{Path: "/bin/sh", Args: []string{"sh", "-c", script},
				Stdout: broken{}, Stderr: broken{}, Redact: redact})
			if got != code || (err != nil) != (code == 0) {
				t.Errorf("%s: code %d, error %v", script, got, err)
			}
		}
	}
}

func TestCommandsThatCannotBeRun(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"plain": 0o600, "nonsense": 0o700} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("\x00neither a script nor a program"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]int{"missing": child.NotFound, "plain": child.NotRunnable} {
		if _, code, err := child.Find(filepath.Join(dir, name)); code != want || err == nil {
			t.Errorf("find %s: code %d, error %v", name, code, err)
		}
	}
	path, code, err := child.Find(filepath.Join(dir, "nonsense"))
	if code != 0 || err != nil {
		t.Fatal(code, err)
	}
	if code, err := child.Run(child.Command{Path: path, Args: []string{path}}); code != child.NotRunnable || err == nil {
		t.Errorf("run: code %d, error %v", code, err)
	}
}
