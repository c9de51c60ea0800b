package identity_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regpass/regpass"
)

func TestFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "token")
	// Read anew at each call, for whoever made the file may replace it.
	for _, subject := range []string{"first", "second"} {
		token := sign(t, map[string]any{"sub": subject})
		write(t, path, token+"\n")
		for _, named := range []string{path, "token"} {
			env, _ := surroundings(map[string]string{"REGPASS_ID_TOKEN_FILE": named})
			env.Dir = dir
			if got, err := get(t, "file", env); err != nil || got.Token.Reveal() != token {
				t.Errorf("%s: %s: %v", subject, named, err)
			}
		}
	}
}

func TestFileBroken(t *testing.T) {
	dir := t.TempDir()
	token := sign(t, nil)
	write(t, filepath.Join(dir, "empty"), "")
	write(t, filepath.Join(dir, "long"), strings.Repeat("A", 600_000))
	write(t, filepath.Join(dir, "two"), token+"\n"+token)
	write(t, filepath.Join(dir, "nul"), token+"\x00")
	write(t, filepath.Join(dir, "json"), `{"value":"`+token+`"}`)
	for _, test := range []struct{ name, text string }{
		{"missing", "names no file: "},
		{"##[b]", "names no file: "},
		{".", `: `},
		{"empty", "the token is empty"},
		{"long", "longer than 66560 bytes"},
		{"two", "0x0a"},
		{"nul", "0x00"},
		{"json", "not a JSON Web Token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			env, _ := surroundings(map[string]string{"REGPASS_ID_TOKEN_FILE": filepath.Join(dir, test.name)})
			_, err := get(t, "file", env)
			wants(t, err, regpass.ErrNoIdentity, test.text, "REGPASS_ID_TOKEN_FILE=/path/to/token")
			if err != nil {
				holdsNone(t, err, token)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
