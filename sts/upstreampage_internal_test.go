package sts

import (
	"net/url"
	"strings"
	"testing"
)

func TestReadLinks(t *testing.T) {
	sum := strings.Repeat("1", 64)
	for _, test := range []struct {
		name, page string
		want       []packageFile
	}{
		{"a hash", `<a href="x/a-1.zip#sha256=` + sum + `">a-1.zip</a>`,
			[]packageFile{{name: "a-1.zip", url: "x/a-1.zip", sha256: sum}}},
		{"another hash", `<a href="a-1.zip#md5=1">a-1.zip</a>`, []packageFile{{name: "a-1.zip", url: "a-1.zip"}}},
		{"entities", `<a href="a?b&amp;c" data-requires-python="&gt;=3"> a&#45;1.zip </a>`,
			[]packageFile{{name: "a-1.zip", url: "a?b&c", requiresPython: ">=3"}}},
		{"capitals and no quotes", `<A HREF=a-1.zip>a-1.zip</A >`, []packageFile{{name: "a-1.zip", url: "a-1.zip"}}},
		{"yanked without a reason", `<a href="a-1.zip" data-yanked>a-1.zip</a>`,
			[]packageFile{{name: "a-1.zip", url: "a-1.zip", yanked: ""}}},
		{"other tags inside", `<a href="a-1.zip"><b>a-1</b>.zip</a>`, []packageFile{{name: "a-1.zip", url: "a-1.zip"}}},
		{"a > in an attribute", `<a title="</a>" href="a-1.zip">a-1.zip</a>`,
			[]packageFile{{name: "a-1.zip", url: "a-1.zip"}}},
		{"a comment", `<!-- <a href="a-1.zip">a-1.zip</a> -->`, nil},
		{"a script", `<script>"<a href='a-1.zip'>a-1.zip</a>"</script>`, nil},
		{"no address", `<a name="top">a-1.zip</a>`, nil},
		{"not closed", `<a href="a-1.zip">a-1.zip`, nil},
		{"closed by the next", `<a href="a-1.zip">a-1.zip <a href="b-1.zip">b-1.zip</a>`,
			[]packageFile{{name: "b-1.zip", url: "b-1.zip"}}},
		{"another tag", `<abbr href="a-1.zip">a-1.zip</abbr>`, nil},
	} {
		got, _, err := readLinks([]byte(test.page))
		if err != nil || len(got) != len(test.want) {
			t.Errorf("%s: got %+v, %v", test.name, got, err)
			continue
		}
		for i, want := range test.want {
			want.size = -1
			if got[i] != want {
				t.Errorf("%s: got %+v, want %+v", test.name, got[i], want)
			}
		}
	}
}

// TestFilesAreBounded: many tiny links are more memory than the page has.
func TestFilesAreBounded(t *testing.T) {
	for name, test := range map[string]struct {
		read            func([]byte) ([]packageFile, bool, error)
		head, row, tail string
	}{
		"HTML":  {readLinks, "", `<a href=a></a>`, ""},
		"JSON":  {readJSON, `{"files":[{}`, `,{}`, `]}`},
		"nulls": {readJSON, `{"files":[null`, `,null`, `]}`},
	} {
		for n, ok := range map[int]bool{maxFiles - 1: true, maxFiles + 1: false} {
			files, _, err := test.read([]byte(test.head + strings.Repeat(test.row, n) + test.tail))
			if (err == nil) != ok || len(files) > maxFiles {
				t.Errorf("%s: %d: %d files, %v", name, n, len(files), err)
			}
		}
	}
}

// TestReadJSONRefuses what is not whole.
func TestReadJSONRefuses(t *testing.T) {
	for _, page := range []string{``, `{`, `[]`, `null`, `{"files":[]`, `{"files":[]}{}`, `{"files":[]}]`, `{"files":{}}`,
		`{"files":[{"filename":1}]}`, `{"Files":[]}`, `{"files":[1]}`, `{"files":[],}`, `{1:2}`} {
		if got, _, err := readJSON([]byte(page)); err == nil {
			t.Errorf("%s: %+v", page, got)
		}
	}
}

// TestReadLinksIsBounded: text that goes on and on is not kept.
func TestReadLinksIsBounded(t *testing.T) {
	got, _, err := readLinks([]byte(`<a href="a-1.zip">` + strings.Repeat("a<b>", 1<<20) + `</a>`))
	if err != nil || len(got) != 1 || len(got[0].name) > maxLinkText {
		t.Errorf("got %d files, %v", len(got), err)
	}
}

// TestLongPageAddress: an upstream may redirect to an address so long that it must not be kept with each file.
func TestLongPageAddress(t *testing.T) {
	page, err := url.Parse("https://pkgs.test/" + strings.Repeat("a", 50_000) + "/")
	if err != nil {
		t.Fatal(err)
	}
	const file = `{"filename":"a-1.zip","url":"a-1.zip"}`
	text := `{"meta":{"api-version":"1.0"},"files":[` + strings.Repeat(file+",", 999) + file + `]}`
	got, err := readPage(page, "application/json", []byte(text), "a")
	if err != nil || len(got.files) != 1000 {
		t.Fatalf("%d files, %v", len(got.files), err)
	}
	kept := 0
	for _, f := range got.files {
		kept += len(f.name) + len(f.url) + len(f.sha256)
	}
	if kept > len(text) || got.size < len(text)+1000*fileSize {
		t.Errorf("%d bytes are kept of %d, and count for %d", kept, len(text), got.size)
	}
}
