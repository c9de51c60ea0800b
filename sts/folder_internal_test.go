package sts

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestUnreadableProject: a project whose files cannot be read is not one that the index does not have.
func TestUnreadableProject(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "demo-1.0.tar.gz"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openFolder(dir, PyPI, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer f.root.Close()
	all, err := f.list()
	if err != nil || len(all["demo"]) != 1 {
		t.Fatal(all, err)
	}
	all["demo"][0].sum = func() (string, error) { return "", errors.New("input/output error") }
	f.read = time.Now().Add(time.Hour) // the listing is not old
	_, err = f.listing("demo")
	var no *refusal
	if !errors.As(err, &no) || no.status != unavailable.status {
		t.Errorf("got %v", err)
	}
	f.read = time.Now().Add(time.Hour)
	if got, err := f.listing("nothing"); err != nil || got.exists {
		t.Errorf("got %+v, %v", got, err)
	}
}
