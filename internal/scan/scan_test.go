package scan

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/image"
)

const live = "pyx_live-0123456789abcdef/0123456789abcdef+0123456789abcdef"

var known = regpass.NewRedactor(regpass.NewSecret("another-secret"), regpass.NewSecret(live))

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// layer is a gzipped tar with one file x.
func layer(t *testing.T, content string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: "x", Size: int64(len(content)), Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	encoded := base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(live))))
	write(t, filepath.Join(dir, "history.db"), "\x00\x01"+live+"\x00")
	write(t, filepath.Join(dir, "snapshots/1/fs/root/.netrc"), live)
	write(t, filepath.Join(dir, "content/blobs/sha256", strings.Repeat("ab", 32)), layer(t, live))
	write(t, filepath.Join(dir, "provenance.json"), `{"data":"`+encoded+`"}`)
	if err := os.Symlink("/"+live, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	got, err := Path(t.Context(), dir, known, image.Limits{})
	at := func(blob, path, in, form string) image.Finding {
		fingerprint := regpass.NewSecret(live).Fingerprint()
		return image.Finding{Blob: blob, Path: path, In: in, Fingerprint: fingerprint, Form: form}
	}
	want := []image.Finding{
		at("sha256:"+strings.Repeat("ab", 32), "x", "content", "plain"),
		at("", "history.db", "content", "plain"),
		at("", "link", "link", "plain"),
		at("", "provenance.json", "base64", "base64"),
		at("", "snapshots/1/fs/root/.netrc", "content", "plain"),
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("found %+v, %v", got, err)
	}
	_, err = Path(t.Context(), filepath.Join(dir, "none"), known, image.Limits{})
	if !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "scan: ") {
		t.Error(err)
	}
}

// TestFolderEnds holds that neither a limit, nor a context that is over, nor a broken blob leaves the packing behind.
func TestFolderEnds(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		write(t, filepath.Join(dir, name), live)
	}
	for name, limits := range map[string]image.Limits{
		"files": {Files: 2}, "bytes": {Bytes: 100}, "findings": {Findings: 1},
	} {
		if _, err := Path(t.Context(), dir, known, limits); !errors.Is(err, image.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Path(over, dir, known, image.Limits{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	blob := filepath.Join("blobs/sha256", strings.Repeat("ab", 32))
	write(t, filepath.Join(dir, blob), layer(t, live)[:40])
	_, err := Path(t.Context(), dir, known, image.Limits{})
	if err == nil || !strings.Contains(err.Error(), "sha256:abab") {
		t.Error(err)
	}
}

// TestFileOfAnotherLength holds that a file may have grown or been cut while a builder works on it.
func TestFileOfAnotherLength(t *testing.T) {
	for content, want := range map[string]string{"1": "1\x00\x00", "12345": "123"} {
		var b bytes.Buffer
		if err := copyExactly(&b, strings.NewReader(content), 3); err != nil || b.String() != want {
			t.Errorf("%q, %v", b.String(), err)
		}
	}
}
