package regpass

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestReadAll(t *testing.T) {
	broken := errors.New("broken")
	for limit, want := range map[int64]error{0: ErrTooLong, 4: ErrTooLong, 5: nil, 6: nil} {
		got, err := ReadAll(strings.NewReader("12345"), limit)
		if !errors.Is(err, want) || string(got) != "12345"[:min(limit, 5)] {
			t.Errorf("at most %d: %q, %v", limit, got, err)
		}
	}
	if _, err := ReadAll(iotest.ErrReader(broken), 5); !errors.Is(err, broken) {
		t.Errorf("broken: %v", err)
	}
	if got, err := ReadAll(strings.NewReader(""), 0); len(got) != 0 || err != nil {
		t.Errorf("empty: %q, %v", got, err)
	}
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFile(path, 5); err != nil || string(got) != "12345" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := ReadFile(path, 4); !errors.Is(err, ErrTooLong) || err.Error() != "longer than 4 bytes" {
		t.Errorf("too long: %v", err)
	}
	if _, err := ReadFile(path+"-none", 5); !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), path) {
		t.Errorf("missing: %v", err)
	}
	if _, err := ReadFile(filepath.Dir(path), 5); err == nil {
		t.Error("read a folder")
	}
}

// A secret in the place of the file's name is not repeated; the name of a file that is there is.
func TestReadSecretFile(t *testing.T) {
	const secret = "s3cr3t"
	dir := t.TempDir()
	plain := filepath.Join(dir, "token")
	if err := os.WriteFile(plain, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{secret, filepath.Join(dir, secret), "-----BEGIN " + secret + "\n", "\x00" + secret,
		filepath.Join(plain, secret), strings.Repeat(secret, 1000)} {
		_, err := ReadSecretFile("THE_FILE", path, 10)
		if text := fmt.Sprint(err, Hints(err)); err == nil || strings.Contains(text, secret) ||
			!strings.Contains(text, "THE_FILE names no file: ") {
			t.Errorf("%q: %s", path, text)
		}
	}
	if _, err := ReadSecretFile("THE_FILE", dir, 10); err == nil || !strings.Contains(err.Error(), Quote(dir)) {
		t.Errorf("a folder: %v", err)
	}
	if got, err := ReadSecretFile("THE_FILE", plain, 10); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestReadPlain(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.DevNull, filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	in, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	if f, err := OpenPlain(filepath.Join(dir, "file")); err != nil || f.Close() != nil {
		t.Errorf("open: %v", err)
	}
	if _, err := OpenPlain(dir); !errors.Is(err, ErrNotPlain) || !strings.Contains(err.Error(), dir) {
		t.Errorf("open a folder: %v", err)
	}
	for _, read := range []func(name string, limit int64) ([]byte, error){
		func(name string, limit int64) ([]byte, error) { return ReadPlain(filepath.Join(dir, name), limit) },
		func(name string, limit int64) ([]byte, error) {
			content, _, err := ReadPlainIn(in, name, limit)
			return content, err
		},
	} {
		if got, err := read("file", 5); err != nil || string(got) != "12345" {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := read("file", 4); !errors.Is(err, ErrTooLong) {
			t.Errorf("too long: %v", err)
		}
		if _, err := read("none", 5); !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), dir) {
			t.Errorf("missing: %v", err)
		}
		if _, err := read(".", 5); !errors.Is(err, ErrNotPlain) {
			t.Errorf("a folder: %v", err)
		}
		if _, err := read("out", 5); err == nil {
			t.Error("read a device")
		}
	}
}

// A pipe is read as process substitution needs it, and no pipe is waited for without end.
func TestReadFileWaitsForNoPipe(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "pipe")
	if out, err := exec.Command("mkfifo", fifo).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got, err := ReadFile(fifo, 10); err != nil || len(got) != 0 {
		t.Errorf("nobody writes: %q, %v", got, err)
	}
	writer, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.WriteString("key"); err != nil {
		t.Fatal(err)
	}
	if _, err := readFile(fifo, 10, time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a pipe that is not closed: %v", err)
	}
}
