package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/image"
	"github.com/regpass/regpass/internal/scan"
)

const live = "pyx_live-0123456789abcdef/0123456789abcdef+0123456789abcdef"

var (
	fingerprint = regpass.NewSecret(live).Fingerprint()
	known       = regpass.NewRedactor(regpass.NewSecret("another-secret"), regpass.NewSecret(live))
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
	const manifest = "application/vnd.oci.image.manifest.v1+json"
	img := put(manifest, asJSON(t, descriptor{"schemaVersion": 2, "mediaType": manifest, "config": put("application/vnd.oci.image.config.v1+json", []byte(config)), "layers": all}))
	attested := put(manifest, asJSON(t, descriptor{"schemaVersion": 2, "mediaType": manifest, "config": put("application/vnd.oci.image.config.v1+json", []byte("{}")),
		"layers": []descriptor{put("application/vnd.in-toto+json", []byte(provenance))}}))
	inner := put("application/vnd.oci.image.index.v1+json", asJSON(t, descriptor{"schemaVersion": 2, "manifests": []descriptor{img, attested}}))
	files["index.json"] = asJSON(t, descriptor{"schemaVersion": 2, "manifests": []descriptor{inner}})
	return files
}

// forms are the same image in each form that Scan reads.
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
	return map[string]string{"folder": filepath.Join(dir, "layout"), "tar": filepath.Join(dir, "image.tar"), "tar.gz": filepath.Join(dir, "image.tar.gz")}
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

func TestScanImage(t *testing.T) {
	plain := gzipped(t, tarOf(t, file{name: "etc/passwd", text: "root"}))
	quiet := func(layer []byte) map[string][]byte { return layout(t, "{}", "{}", plain, layer) }
	content := func(path, form string) image.Finding {
		return image.Finding{Kind: "layer", Layer: 2, Path: path, In: "content", Fingerprint: fingerprint, Form: form}
	}
	xattr := tar.Header{PAXRecords: map[string]string{"SCHILY.xattr.user.note": "x" + live}}
	for name, c := range map[string]struct {
		files map[string][]byte
		want  image.Finding // Blob is not compared; the zero Finding: nothing
	}{
		"nothing":    {quiet(plain), image.Finding{}},
		"file":       {quiet(gzipped(t, tarOf(t, file{name: "root/.netrc", text: "password " + live}))), content("root/.netrc", "plain")},
		"zstd":       {quiet(zstded(t, tarOf(t, file{name: "./a/../b", text: live}))), content("b", "plain")},
		"not packed": {quiet(tarOf(t, file{name: "/a", text: live})), content("a", "plain")},
		"deleted later": {layout(t, "{}", "{}", plain, gzipped(t, tarOf(t, file{name: "a", text: live})), gzipped(t, tarOf(t, file{name: ".wh.a"}))),
			content("a", "plain")},
		"what made the layer": {layout(t, `{"history":[{"created_by":"COPY . /"},{"created_by":"ENV A=b","empty_layer":true},{"created_by":"RUN login"}]}`, "{}", plain, gzipped(t, tarOf(t, file{name: "a", text: live}))),
			image.Finding{Kind: "layer", Layer: 2, Path: "a", In: "content", Fingerprint: fingerprint, Form: "plain", By: "RUN login"}},
		"a history that is too short": {layout(t, `{"history":[{"created_by":"COPY . /"}]}`, "{}", plain, gzipped(t, tarOf(t, file{name: "a", text: live}))), content("a", "plain")},
		"twice under one name":        {quiet(gzipped(t, tarOf(t, file{name: "a", text: live}, file{name: "a"}))), content("a", "plain")},
		"base64 in lines": {quiet(gzipped(t, tarOf(t, file{name: "a", text: strings.Join(chunks(base64.StdEncoding.EncodeToString([]byte("u:"+live)), 19), "\n")}))),
			content("a", "base64")},
		"hex":                  {quiet(gzipped(t, tarOf(t, file{name: "a", text: fmt.Sprintf("%X", live)}))), content("a", "hex")},
		"far into a file":      {quiet(gzipped(t, tarOf(t, file{name: "a", text: strings.Repeat("x", 128<<10-7) + live}))), content("a", "plain")},
		"archive in the layer": {quiet(gzipped(t, tarOf(t, file{name: "a.tgz", text: string(gzipped(t, tarOf(t, file{name: "b", text: live})))}))), content("a.tgz!b", "plain")},
		"broken archive":       {quiet(gzipped(t, tarOf(t, file{name: "a.gz", text: "\x1f\x8b\x08" + live}))), content("a.gz", "plain")},
		"behind an archive":    {quiet(gzipped(t, slices.Concat(tarOf(t, file{name: "a"}), []byte(live)))), content("", "plain")},
		"name": {quiet(gzipped(t, tarOf(t, file{name: "x/" + strings.ReplaceAll(live, "/", "%2F")}))),
			image.Finding{Kind: "layer", Layer: 2, Path: "x/***", In: "name", Fingerprint: fingerprint, Form: "URL-encoded"}},
		"link": {quiet(gzipped(t, tarOf(t, file{name: "a", header: tar.Header{Typeflag: tar.TypeSymlink, Linkname: "/" + live}}))),
			image.Finding{Kind: "layer", Layer: 2, Path: "a", In: "link", Fingerprint: fingerprint, Form: "plain"}},
		"attribute": {quiet(gzipped(t, tarOf(t, file{name: "a", header: xattr}))),
			image.Finding{Kind: "layer", Layer: 2, Path: "a", In: "attributes", Fingerprint: fingerprint, Form: "plain"}},
		"ENV": {layout(t, `{"config":{"Env":["A=`+live+`"]}}`, "{}", plain),
			image.Finding{Kind: "config", In: "content", Fingerprint: fingerprint, Form: "plain"}},
		"provenance": {layout(t, "{}", `{"predicate":{"args":{"build-arg:A":"`+live+`"}}}`, plain),
			image.Finding{Kind: "attestation", In: "content", Fingerprint: fingerprint, Form: "plain"}},
		"Dockerfile in a provenance": {layout(t, "{}", `{"data":"`+base64.StdEncoding.EncodeToString([]byte("ARG A="+fmt.Sprintf("%x", live)))+`"}`, plain),
			image.Finding{Kind: "attestation", In: "base64", Fingerprint: fingerprint, Form: "hex"}},
	} {
		for form, path := range forms(t, c.files) {
			got, err := scan.Path(t.Context(), path, known, image.Limits{})
			if err != nil {
				t.Errorf("%s, %s: %v", name, form, err)
			}
			var want []image.Finding
			if c.want != (image.Finding{}) {
				want = []image.Finding{c.want}
			}
			for i, f := range got {
				if !strings.HasPrefix(f.Blob, "sha256:") || strings.Contains(fmt.Sprintf("%+v %s", f, f), live[:12]) {
					t.Errorf("%s, %s: %+v", name, form, f)
				}
				got[i].Blob = ""
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s: found %+v", name, form, got)
			}
		}
	}
}

func chunks(text string, n int) (all []string) {
	for c := range slices.Chunk([]byte(text), n) {
		all = append(all, string(c))
	}
	return all
}

func TestScanDockerSave(t *testing.T) {
	layer := strings.Repeat("0123456789abcdef", 4)
	for _, name := range []string{layer + ".tar", layer + "/layer.tar"} {
		whole := tarOf(t,
			file{name: name, text: string(tarOf(t, file{name: "a", text: live}))},
			file{name: "config.json", text: `{"config":{"Env":["A=` + live + `"]}}`},
			file{name: "manifest.json", text: `[{"Config":"config.json","Layers":["` + strings.Repeat("0", 64) + `.tar","` + name + `"]}]`})
		got, err := image.Read(t.Context(), bytes.NewReader(whole), known, image.Limits{})
		want := []image.Finding{
			{Blob: name, Kind: "layer", Layer: 2, Path: "a", In: "content", Fingerprint: fingerprint, Form: "plain"},
			{Path: "config.json", In: "content", Fingerprint: fingerprint, Form: "plain"},
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("found %+v, %v", got, err)
		}
	}
}

func TestWhatMadeALayerIsRedacted(t *testing.T) {
	files := layout(t, `{"history":[{"created_by":"RUN login `+live+`"}]}`, "{}", gzipped(t, tarOf(t, file{name: "a", text: live})))
	got, err := scan.Path(t.Context(), forms(t, files)["tar"], known, image.Limits{})
	layer := slices.IndexFunc(got, func(f image.Finding) bool { return f.Layer == 1 })
	if err != nil || len(got) != 2 || layer < 0 || got[layer].By != "RUN login ***" {
		t.Errorf("found %+v, %v", got, err)
	}
}

func TestFindingString(t *testing.T) {
	for _, c := range []struct {
		f    image.Finding
		want string
	}{
		{image.Finding{Blob: "sha256:ab", Kind: "layer", Layer: 3, Path: "a\n::b", In: "content", Fingerprint: "ff", Form: "hex"}, `layer 3 ("sha256:ab"): "a\n::b": secret ff in its content (hex)`},
		{image.Finding{Blob: "sha256:ab", Kind: "config", In: "content", Fingerprint: "ff", Form: "hex"}, `config "sha256:ab": secret ff in its content (hex)`},
		{image.Finding{Blob: "sha256:ab", In: "base64", Fingerprint: "ff", Form: "hex"}, `blob "sha256:ab": secret ff in its base64 (hex)`},
		{image.Finding{Path: "a", In: "name", Fingerprint: "ff", Form: "hex"}, `"a": secret ff in its name (hex)`},
	} {
		if got := c.f.String(); got != c.want {
			t.Errorf("%s, not %s", got, c.want)
		}
	}
}

func TestBrokenImages(t *testing.T) {
	layer := gzipped(t, tarOf(t, file{name: "a", text: live}, file{name: "b", text: strings.Repeat("x", 5000)}))
	plain := tarOf(t, file{name: "a", text: live}, file{name: "b", text: strings.Repeat("x", 5000)})
	for name, blob := range map[string][]byte{"gzip": layer[:len(layer)-9], "tar": plain[:2000], "zstd": slices.Concat(zstded(t, []byte(live)), zstded(t, plain)[:60])} {
		var whole []byte
		for path, data := range layout(t, "{}", "{}", blob) {
			whole = append(whole, bytes.TrimSuffix(tarOf(t, file{name: path, text: string(data)}), make([]byte, 1024))...)
		}
		whole = append(whole, make([]byte, 1024)...)
		got, err := image.Read(t.Context(), bytes.NewReader(whole), known, image.Limits{})
		if err == nil || !strings.Contains(err.Error(), digestOf(blob)) || len(got) != 1 {
			t.Errorf("%s: found %v, %v", name, got, err)
		}
	}
	cut := tarOf(t, file{name: "a", text: live}, file{name: "b", text: strings.Repeat("x", 5000)})[:3000]
	if got, err := image.Read(t.Context(), bytes.NewReader(cut), known, image.Limits{}); !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != 1 {
		t.Errorf("a tar that is cut off: found %v, %v", got, err)
	}
}

func TestLimits(t *testing.T) {
	zeros := make([]byte, 4<<20)
	nested := []byte(live)
	for range 20 {
		nested = gzipped(t, nested)
	}
	var many []file
	for i := range 50 {
		many = append(many, file{name: fmt.Sprint(i), text: live})
	}
	for name, c := range map[string]struct {
		data   []byte
		limits image.Limits
		found  int
		err    error
	}{
		"a bomb":                   {gzipped(t, gzipped(t, zeros)), image.Limits{Bytes: 1 << 19}, 0, image.ErrLimit},
		"a bomb in a layer":        {gzipped(t, tarOf(t, file{name: "a.gz", text: string(gzipped(t, zeros))})), image.Limits{Bytes: 1 << 19}, 0, image.ErrLimit},
		"too many files":           {tarOf(t, many...), image.Limits{Files: 10}, 10, image.ErrLimit},
		"too many findings":        {tarOf(t, many...), image.Limits{Findings: 5}, 5, image.ErrLimit},
		"nested too deep":          {nested, image.Limits{}, 0, nil},
		"nested as deep as it may": {nested, image.Limits{Nesting: 20}, 1, nil},
	} {
		got, err := image.Read(t.Context(), bytes.NewReader(c.data), known, c.limits)
		if len(got) != c.found || !errors.Is(err, c.err) {
			t.Errorf("%s: found %v, %v", name, got, err)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := image.Read(over, bytes.NewReader(tarOf(t, many...)), known, image.Limits{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzScan(f *testing.F) {
	layer := tarOf(f, file{name: "a", text: live}, file{name: "b/c", header: tar.Header{PAXRecords: map[string]string{"SCHILY.xattr.user.x": "y"}}})
	for _, seed := range [][]byte{layer, gzipped(f, layer), zstded(f, layer), []byte(`[{"Config":"a","Layers":["b"]}]`), []byte(`{"config":{},"layers":[{"digest":"x"}],"manifests":[]}`), {0x50, 0x2a, 0x4d, 0x18}} {
		f.Add(seed)
		f.Add([]byte(tarOf(f, file{name: "manifest.json", text: string(seed)}, file{name: "blobs/sha256/" + strings.Repeat("0", 64), text: string(seed)})))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := image.Limits{Bytes: 8 << 20, Files: 1000, Findings: 10}
		got, err := image.Read(t.Context(), bytes.NewReader(data), known, limits)
		if len(got) > 10 {
			t.Errorf("%d findings", len(got))
		}
		if len(got) == 0 && err == nil && bytes.Contains(data, []byte(live)) {
			t.Error("what is there as it is was not found")
		}
		if strings.Contains(fmt.Sprint(got, err), live) {
			t.Error("the value is shown")
		}
	})
}

func BenchmarkScan(b *testing.B) {
	var files []file
	for i := range 200 {
		files = append(files, file{name: fmt.Sprint(i), text: strings.Repeat(fmt.Sprintf("some line %d of a file\n", i), 2000)})
	}
	for name, data := range map[string][]byte{"tar": tarOf(b, files...), "gzip": gzipped(b, tarOf(b, files...)), "zstd": zstded(b, tarOf(b, files...))} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(tarOf(b, files...))))
			for b.Loop() {
				if _, err := image.Read(b.Context(), bytes.NewReader(data), known, image.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
