package image_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/image"
	"github.com/regpass/regpass/internal/scan"
)

const live = "pyx_live-0123456789abcdef/0123456789abcdef+0123456789abcdef"

var (
	fingerprint = regpass.NewSecret(live).Fingerprint()
	known       = regpass.NewRedactor(regpass.NewSecret("another-secret"), regpass.NewSecret(live))
)

func TestScanImage(t *testing.T) {
	plain := packed(t, file{name: "etc/passwd", text: "root"})
	twoLayers := func(layer []byte) map[string][]byte { return layout(t, "{}", "{}", plain, layer) }
	in := func(files ...file) map[string][]byte { return twoLayers(packed(t, files...)) }
	finding := func(path, in, form string) image.Finding {
		return image.Finding{Kind: "layer", Layer: 2, Path: path, In: in, Fingerprint: fingerprint, Form: form}
	}
	content := func(path, form string) image.Finding { return finding(path, "content", form) }
	of := func(kind, in, form string) image.Finding {
		return image.Finding{Kind: kind, In: in, Fingerprint: fingerprint, Form: form}
	}
	secret := file{name: "a", text: live}
	xattr := tar.Header{PAXRecords: map[string]string{"SCHILY.xattr.user.note": "x" + live}}
	lines := strings.Join(chunks(base64.StdEncoding.EncodeToString([]byte("u:"+live)), 19), "\n")
	history := `{"history":[{"created_by":"COPY . /"},{"created_by":"ENV A=b","empty_layer":true},` +
		`{"created_by":"RUN login"}]}`
	login := content("a", "plain")
	login.By = "RUN login"
	dockerfile := base64.StdEncoding.EncodeToString([]byte("ARG A=" + fmt.Sprintf("%x", live)))
	for name, c := range map[string]struct {
		files map[string][]byte
		want  image.Finding // Blob is not compared; the zero Finding: nothing
	}{
		"nothing":    {twoLayers(plain), image.Finding{}},
		"file":       {in(file{name: "root/.netrc", text: "password " + live}), content("root/.netrc", "plain")},
		"zstd":       {twoLayers(zstded(t, tarOf(t, file{name: "./a/../b", text: live}))), content("b", "plain")},
		"not packed": {twoLayers(tarOf(t, file{name: "/a", text: live})), content("a", "plain")},
		"deleted later": {
			layout(t, "{}", "{}", plain, packed(t, secret), packed(t, file{name: ".wh.a"})), content("a", "plain"),
		},
		"the layer's command": {layout(t, history, "{}", plain, packed(t, secret)), login},
		"a history that is too short": {
			layout(t, `{"history":[{"created_by":"COPY . /"}]}`, "{}", plain, packed(t, secret)), content("a", "plain"),
		},
		"twice under one name": {in(secret, file{name: "a"}), content("a", "plain")},
		"base64 in lines":      {in(file{name: "a", text: lines}), content("a", "base64")},
		"hex":                  {in(file{name: "a", text: fmt.Sprintf("%X", live)}), content("a", "hex")},
		"far into a file":      {in(file{name: "a", text: strings.Repeat("x", 128<<10-7) + live}), content("a", "plain")},
		"archive in the layer": {
			in(file{name: "a.tgz", text: string(packed(t, file{name: "b", text: live}))}), content("a.tgz!b", "plain"),
		},
		"broken archive": {in(file{name: "a.gz", text: "\x1f\x8b\x08" + live}), content("a.gz", "plain")},
		"after an archive": {
			twoLayers(gzipped(t, slices.Concat(tarOf(t, file{name: "a"}), []byte(live)))), content("", "plain"),
		},
		"name": {
			in(file{name: "x/" + strings.ReplaceAll(live, "/", "%2F")}), finding("x/***", "name", "URL-encoded"),
		},
		"link": {
			in(file{name: "a", header: tar.Header{Typeflag: tar.TypeSymlink, Linkname: "/" + live}}),
			finding("a", "link", "plain"),
		},
		"attribute": {in(file{name: "a", header: xattr}), finding("a", "attributes", "plain")},
		"ENV":       {layout(t, `{"config":{"Env":["A=`+live+`"]}}`, "{}", plain), of("config", "content", "plain")},
		"provenance": {
			layout(t, "{}", `{"predicate":{"args":{"build-arg:A":"`+live+`"}}}`, plain),
			of("attestation", "content", "plain"),
		},
		"Dockerfile in a provenance": {
			layout(t, "{}", `{"data":"`+dockerfile+`"}`, plain), of("attestation", "base64", "hex"),
		},
	} {
		for form, path := range forms(t, c.files) {
			checkScan(t, name+", "+form, path, c.want)
		}
	}
}

// checkScan expects one finding at path, its Blob aside, or none if want is zero.
func checkScan(t *testing.T, name, path string, want image.Finding) {
	t.Helper()
	got, err := scan.Path(t.Context(), path, known, image.Limits{})
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	var all []image.Finding
	if want != (image.Finding{}) {
		all = []image.Finding{want}
	}
	for i, f := range got {
		if !strings.HasPrefix(f.Blob, "sha256:") || strings.Contains(fmt.Sprintf("%+v %s", f, f), live[:12]) {
			t.Errorf("%s: %+v", name, f)
		}
		got[i].Blob = ""
	}
	if !slices.Equal(got, all) {
		t.Errorf("%s: found %+v", name, got)
	}
}

func TestScanDockerSave(t *testing.T) {
	layer := strings.Repeat("0123456789abcdef", 4)
	for _, name := range []string{layer + ".tar", layer + "/layer.tar"} {
		layers := `["` + strings.Repeat("0", 64) + `.tar","` + name + `"]`
		whole := tarOf(t,
			file{name: name, text: string(tarOf(t, file{name: "a", text: live}))},
			file{name: "config.json", text: `{"config":{"Env":["A=` + live + `"]}}`},
			file{name: "manifest.json", text: `[{"Config":"config.json","Layers":` + layers + `}]`})
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
	history := `{"history":[{"created_by":"RUN login ` + live + `"}]}`
	files := layout(t, history, "{}", packed(t, file{name: "a", text: live}))
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
		{
			image.Finding{
				Blob: "sha256:ab", Kind: "layer", Layer: 3, Path: "a\n::b", In: "content", Fingerprint: "ff", Form: "hex",
			},
			`layer 3 ("sha256:ab"): "a\n::b": secret ff in its content (hex)`,
		},
		{
			image.Finding{Blob: "sha256:ab", Kind: "config", In: "content", Fingerprint: "ff", Form: "hex"},
			`config "sha256:ab": secret ff in its content (hex)`,
		},
		{
			image.Finding{Blob: "sha256:ab", In: "base64", Fingerprint: "ff", Form: "hex"},
			`blob "sha256:ab": secret ff in its base64 (hex)`,
		},
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
	for name, blob := range map[string][]byte{
		"gzip": layer[:len(layer)-9],
		"tar":  plain[:2000],
		"zstd": slices.Concat(zstded(t, []byte(live)), zstded(t, plain)[:60]),
	} {
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
	got, err := image.Read(t.Context(), bytes.NewReader(cut), known, image.Limits{})
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != 1 {
		t.Errorf("a tar that is cut off: found %v, %v", got, err)
	}
}

func TestLimits(t *testing.T) {
	zeros := make([]byte, 4<<20)
	bomb := packed(t, file{name: "a.gz", text: string(gzipped(t, zeros))})
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
		"a bomb in a layer":        {bomb, image.Limits{Bytes: 1 << 19}, 0, image.ErrLimit},
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
	_, err := image.Read(over, bytes.NewReader(tarOf(t, many...)), known, image.Limits{})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzScan(f *testing.F) {
	xattr := tar.Header{PAXRecords: map[string]string{"SCHILY.xattr.user.x": "y"}}
	layer := tarOf(f, file{name: "a", text: live}, file{name: "b/c", header: xattr})
	for _, seed := range [][]byte{
		layer, gzipped(f, layer), zstded(f, layer),
		[]byte(`[{"Config":"a","Layers":["b"]}]`),
		[]byte(`{"config":{},"layers":[{"digest":"x"}],"manifests":[]}`),
		{0x50, 0x2a, 0x4d, 0x18},
	} {
		f.Add(seed)
		blob := "blobs/sha256/" + strings.Repeat("0", 64)
		f.Add(tarOf(f, file{name: "manifest.json", text: string(seed)}, file{name: blob, text: string(seed)}))
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
		text := strings.Repeat(fmt.Sprintf("some line %d of a file\n", i), 2000)
		files = append(files, file{name: fmt.Sprint(i), text: text})
	}
	whole := tarOf(b, files...)
	for name, data := range map[string][]byte{"tar": whole, "gzip": gzipped(b, whole), "zstd": zstded(b, whole)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(whole)))
			for b.Loop() {
				if _, err := image.Read(b.Context(), bytes.NewReader(data), known, image.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestManyFindsHideNoOther: a file that has one secret very often may have another, too.
func TestManyFindsHideNoOther(t *testing.T) {
	text := strings.Repeat("another-secret ", image.DefaultLimits.Findings+1) + live
	found, err := image.Read(context.Background(), bytes.NewReader(tarOf(t, file{name: "a", text: text})), known,
		image.Limits{})
	if err != nil || len(found) != 2 || found[1].Fingerprint != fingerprint {
		t.Errorf("%v, %v", found, err)
	}
}
