package testenv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regpass/regpass"
)

// Machine is a folder that is the home and the checkout at once, with variables and without programs.
type Machine struct {
	Dir  string // its path is short enough for sockets
	Vars map[string]string
	t    testing.TB
}

// NewMachine makes an empty Machine that is removed after the test.
func NewMachine(t testing.TB) *Machine {
	t.Helper()
	dir, err := os.MkdirTemp("", "m")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return &Machine{dir, map[string]string{}, t}
}

// Env returns the machine's surroundings. Standard input is empty, and each program fails.
func (m *Machine) Env() *regpass.Env {
	return &regpass.Env{Home: m.Dir, Dir: m.Dir, TempDir: m.Dir, Getenv: func(n string) string { return m.Vars[n] },
		Stdin: strings.NewReader(""), Stdout: &strings.Builder{}, Mask: func(...regpass.Secret) {},
		Run: func(_ context.Context, _ []string, name string, args ...string) ([]byte, error) {
			return nil, errors.New(name + " " + strings.Join(args, " "))
		}}
}

// File writes a file below Dir and returns its path.
func (m *Machine) File(name, content string) string {
	m.t.Helper()
	path := filepath.Join(m.Dir, name)
	Write(m.t, path, content)
	return path
}
