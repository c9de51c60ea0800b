package plan

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regpass/regpass"
)

// machine is a folder with a checkout in it, and what stands in variables.
type machine struct {
	t    *testing.T
	dir  string
	vars map[string]string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	return &machine{t, t.TempDir(), map[string]string{}}
}

func (m *machine) env() *regpass.Env {
	return &regpass.Env{Home: m.dir, Dir: m.dir, TempDir: m.dir, Getenv: func(n string) string { return m.vars[n] },
		Stdin: strings.NewReader(""), Stdout: &strings.Builder{}}
}

func (m *machine) file(name, content string) {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
		m.t.Fatal(err)
	}
}
