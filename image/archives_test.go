package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// file is one entry of a tar.
type file struct {
	name, text string
	header     tar.Header // what else there is
}

func tarOf(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := f.header
		h.Name, h.Size, h.Mode = f.name, int64(len(f.text)), 0o600
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstded(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

// packed is a gzipped tar.
func packed(t testing.TB, files ...file) []byte {
	t.Helper()
	return gzipped(t, tarOf(t, files...))
}

func digestOf(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

func asJSON(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// layout is an OCI layout as files: an index with an index in it, an image and its attestation manifest, as BuildKit's
// exporter writes it.
func layout(t testing.TB, config string, provenance string, layers ...[]byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	type descriptor = map[string]any
	put := func(kind string, data []byte) descriptor {
		d := digestOf(data)
		files["blobs/sha256/"+strings.TrimPrefix(d, "sha256:")] = data
		return descriptor{"mediaType": kind, "digest": d, "size": len(data)}
	}
	var all []descriptor
	for _, l := range layers {
		all = append(all, put("application/vnd.oci.image.layer.v1.tar+gzip", l))
	}
	manifest := func(config string, layers ...descriptor) descriptor {
		const kind = "application/vnd.oci.image.manifest.v1+json"
		c := put("application/vnd.oci.image.config.v1+json", []byte(config))
		return put(kind, asJSON(t, descriptor{"schemaVersion": 2, "mediaType": kind, "config": c, "layers": layers}))
	}
	manifests := []descriptor{
		manifest(config, all...),
		manifest("{}", put("application/vnd.in-toto+json", []byte(provenance))),
	}
	inner := put("application/vnd.oci.image.index.v1+json",
		asJSON(t, descriptor{"schemaVersion": 2, "manifests": manifests}))
	files["index.json"] = asJSON(t, descriptor{"schemaVersion": 2, "manifests": []descriptor{inner}})
	return files
}

// forms are the same image in each form that scan.Path reads.
func forms(t *testing.T, files map[string][]byte) map[string]string {
	t.Helper()
	dir := t.TempDir()
	var entries []file
	for name, data := range files {
		write(t, filepath.Join(dir, "layout", name), data)
		entries = append(entries, file{name: name, text: string(data)})
	}
	slices.SortFunc(entries, func(a, b file) int { return strings.Compare(a.name, b.name) })
	whole := tarOf(t, entries...)
	write(t, filepath.Join(dir, "image.tar"), whole)
	write(t, filepath.Join(dir, "image.tar.gz"), gzipped(t, whole))
	return map[string]string{
		"folder": filepath.Join(dir, "layout"),
		"tar":    filepath.Join(dir, "image.tar"),
		"tar.gz": filepath.Join(dir, "image.tar.gz"),
	}
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func chunks(text string, n int) (all []string) {
	for c := range slices.Chunk([]byte(text), n) {
		all = append(all, string(c))
	}
	return all
}
