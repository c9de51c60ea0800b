package regpass

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFile(path, 5); err != nil || string(got) != "12345" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := ReadFile(path, 4); err == nil || err.Error() != "it is longer than 4 bytes" {
		t.Errorf("too long: %v", err)
	}
	if _, err := ReadFile(path+"-none", 5); !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), path) {
		t.Errorf("missing: %v", err)
	}
	if _, err := ReadFile(filepath.Dir(path), 5); err == nil {
		t.Error("read a folder")
	}
}
