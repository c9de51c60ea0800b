package sts_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/sts"
)

const (
	uploadPath = "/v1/upload/acme/main"
	newWheel   = "new_pkg-1.0-py3-none-any.whl"
	newText    = "a new wheel"
)

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// form is an upload as uv and twine send it.
type form struct {
	file, text string
	over       map[string]string // fields; an empty one is left out
	again      bool              // the content twice
	twice      string            // a field that comes again
}

func (f form) encode(t testing.TB) (contentType, body string) {
	t.Helper()
	fields := map[string]string{":action": "file_upload", "protocol_version": "1", "metadata_version": "2.4",
		"name": "new-pkg", "version": "1.0",
		"filetype": "bdist_wheel", "pyversion": "py3", "sha256_digest": digest(f.text), "description": "# text\n"}
	for k, v := range f.over {
		fields[k] = v
	}
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for k, v := range fields {
		if v != "" {
			must(t, m.WriteField(k, v))
		}
	}
	if f.twice != "" {
		must(t, m.WriteField(f.twice, "again"))
	}
	for n := 0; f.file != "" && n < 1 || f.again && n < 2; n++ {
		// As a hostile client writes it: CreateFormFile would escape.
		disposition := `form-data; name="content"; filename="` + f.file + `"`
		part, err := m.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}})
		must(t, err)
		_, err = part.Write([]byte(f.text))
		must(t, err)
	}
	must(t, m.Close())
	return m.FormDataContentType(), b.String()
}

func (fx *fixture) upload(key regpass.Secret, path string, f form) reply {
	fx.t.Helper()
	kind, body := f.encode(fx.t)
	return fx.do(ask{method: "POST", path: path, header: with(bearer(key), "Content-Type", kind), body: body})
}

// left lists what is in acme's folder.
func (fx *fixture) left() string {
	fx.t.Helper()
	entries, err := os.ReadDir(filepath.Join(fx.dir, "pypi"))
	must(fx.t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestUpload(t *testing.T) {
	fx := newFixture(t)
	got := fx.post(publishPath, tokenBody(fx.idToken(audience, nil)))
	fx.want(t, got, 200)
	token := field(t, got, "token")
	f := form{file: newWheel, text: newText}
	validate := form{text: newText, over: map[string]string{"filename": newWheel}}

	got = fx.upload(token, uploadPath+"/validate", validate)
	if fx.want(t, got, 200); strings.TrimSpace(got.body) != `{"exists":false}` {
		t.Errorf("before: %s", got.body)
	}
	fx.want(t, fx.upload(token, uploadPath, f), 200)
	read := fx.token(fx.reader)
	got = fx.do(ask{path: "/simple/acme/main/new-pkg/", header: bearer(read)})
	if fx.want(t, got, 200); !strings.Contains(got.body, digest(newText)) {
		t.Errorf("page:\n%s", got.body)
	}
	got = fx.do(ask{path: "/files/acme/main/" + newWheel, header: bearer(read)})
	if fx.want(t, got, 200); got.body != newText {
		t.Errorf("got %q", got.body)
	}
	got = fx.upload(token, uploadPath+"/validate", validate)
	if fx.want(t, got, 200); strings.TrimSpace(got.body) != `{"exists":true}` {
		t.Errorf("after: %s", got.body)
	}
	fx.want(t, fx.upload(token, uploadPath, f), 200) // a retry
	fx.want(t, fx.upload(token, uploadPath, form{file: newWheel, text: "other"}), 409)
	fx.want(t, fx.upload(token, uploadPath+"/validate", form{text: "other",
		over: map[string]string{"filename": newWheel}}), 409)
	fx.want(t, fx.upload(token, uploadPath, form{file: "New.Pkg-1.0-py3-none-any.whl", text: newText}), 409)
	fx.want(t, fx.upload(token, uploadPath, form{file: "new_pkg-1.0-1-py3-none-any.whl", text: "build 1"}), 200)
	fx.want(t, fx.upload(token, uploadPath, form{file: "new_pkg-1.0.1-py3-none-any.whl", text: "next",
		over: map[string]string{"version": "1.0.1"}}), 200)
	if left := fx.left(); left != wheelName+" new_pkg-1.0-1-py3-none-any.whl "+newWheel+" new_pkg-1.0.1-py3-none-any.whl" {
		t.Errorf("the folder holds %s", left)
	}
}

func TestUploadRefuses(t *testing.T) {
	big := strings.Repeat("x", 64<<10)
	for _, test := range []struct {
		name   string
		form   form
		status int
	}{
		{"no content", form{}, 400},
		{"the name twice", form{file: newWheel, text: newText, twice: "name"}, 400},
		{"the version twice", form{file: newWheel, text: newText, twice: "version"}, 400},
		{"the version that is there, spelled otherwise", form{file: "demo_pkg-1.0.0-py3-none-any.whl", text: newText,
			over: map[string]string{"name": "demo-pkg"}}, 409},
		{"content twice", form{file: newWheel, text: newText, again: true}, 400},
		{"another SHA-256", form{file: newWheel, text: newText, over: map[string]string{"sha256_digest": digest("x")}}, 400},
		{"no SHA-256 at all", form{file: newWheel, text: newText, over: map[string]string{"sha256_digest": "x"}}, 400},
		{"one byte too many", form{file: newWheel, text: big + "x"}, 413},
		{"far too long", form{file: newWheel, text: strings.Repeat(big, 80)}, 413},
		{"fields too long", form{file: newWheel, text: newText,
			over: map[string]string{"description": strings.Repeat(big, 65)}}, 413},
		{"another project", form{file: newWheel, text: newText, over: map[string]string{"name": "other"}}, 400},
		{"no project", form{file: newWheel, text: newText, over: map[string]string{"name": ""}}, 400},
		{"another version", form{file: newWheel, text: newText, over: map[string]string{"version": "99.0"}}, 400},
		{"no version", form{file: newWheel, text: newText, over: map[string]string{"version": ""}}, 400},
		{"another type", form{file: newWheel, text: newText, over: map[string]string{"filetype": "sdist"}}, 400},
		{"another action", form{file: newWheel, text: newText, over: map[string]string{":action": "doc_upload"}}, 400},
		{"a path", form{file: "../new_pkg-1.0.tar.gz", text: newText, over: map[string]string{"filetype": ""}}, 400},
		{"a path on Windows", form{file: `..\\new_pkg-1.0.tar.gz`, text: newText,
			over: map[string]string{"filetype": ""}}, 400},
		{"no package", form{file: "evil.sh", text: newText}, 400},
		{"no name", form{file: " ", text: newText}, 400},
		{"a hidden file", form{file: ".upload-1.0.tar.gz", text: newText,
			over: map[string]string{"filetype": "", "name": ".upload"}}, 400},
		{"a file that is there", form{file: wheelName, text: newText, over: map[string]string{"name": "demo-pkg"}}, 409},
	} {
		t.Run(test.name, func(t *testing.T) {
			fx := newFixture(t)
			fx.want(t, fx.upload(fx.token(fx.dev), uploadPath, test.form), test.status)
			if left := fx.left(); left != wheelName {
				t.Errorf("the folder holds %s", left)
			}
			if text, err := os.ReadFile(filepath.Join(fx.dir, "pypi", wheelName)); err != nil || string(text) != wheelText {
				t.Errorf("the wheel is now %q (%v)", text, err)
			}
		})
	}
}

func TestUploadNeedsRights(t *testing.T) {
	fx := newFixture(t, func(c *sts.Config) {
		c.Indexes = append(c.Indexes, sts.Index{Workspace: "acme", Name: "side", Kind: sts.PyPI, Folder: c.Indexes[0].Folder},
			sts.Index{Workspace: "acme", Name: "up", Kind: sts.PyPI, Upstream: "http://127.0.0.1:1/simple"})
	})
	got := fx.post(publishPath, tokenBody(fx.idToken(audience, nil)))
	fx.want(t, got, 200)
	publish := field(t, got, "token")
	f := form{file: newWheel, text: newText}
	for path, statuses := range map[string][4]int{ // publish, dev, reader, other
		uploadPath:             {200, 200, 403, 403},
		"/v1/upload/acme/side": {403, 200, 403, 403},
		"/v1/upload/acme/up":   {403, 404, 403, 403},
		"/v1/upload/acme/chan": {403, 404, 403, 403},
		"/v1/upload/none/main": {403, 403, 403, 403},
	} {
		for i, token := range []regpass.Secret{publish, fx.token(fx.dev), fx.token(fx.reader), fx.token(fx.other)} {
			for _, suffix := range []string{"", "/validate"} {
				f := f
				if suffix != "" {
					f = form{text: newText, over: map[string]string{"filename": newWheel}}
				}
				if got := fx.upload(token, path+suffix, f); got.status != statuses[i] {
					t.Errorf("%s%s, token %d: %d, want %d: %s", path, suffix, i, got.status, statuses[i], got.body)
				}
			}
		}
	}
	kind, body := f.encode(t)
	fx.want(t, fx.do(ask{method: "POST", path: uploadPath, header: http.Header{"Content-Type": {kind}}, body: body}), 401)
	h := with(basic("__token__", publish), "Content-Type", kind)
	fx.want(t, fx.do(ask{method: "POST", path: uploadPath, header: h, body: body}), 200)
}

func TestUploadBrokenForms(t *testing.T) {
	fx := newFixture(t)
	h := bearer(fx.token(fx.dev))
	kind, body := form{file: newWheel, text: newText}.encode(t)
	for name, f := range map[string]struct{ kind, body string }{
		"no type":     {"", body},
		"no boundary": {"multipart/form-data", body},
		"not a form":  {"application/json", "{}"},
		"cut off":     {kind, body[:len(body)-30]},
		"empty":       {kind, ""},
	} {
		t.Run(name, func(t *testing.T) {
			fx.want(t, fx.do(ask{method: "POST", path: uploadPath, header: with(h, "Content-Type", f.kind), body: f.body}), 400)
		})
	}
	if left := fx.left(); left != wheelName {
		t.Errorf("the folder holds %s", left)
	}
}

// TestUploadsThatRace: of one release in many spellings at two indexes of one folder, one is taken.
func TestUploadsThatRace(t *testing.T) {
	fx := newFixture(t, func(c *sts.Config) {
		link := filepath.Join(t.TempDir(), "link")
		must(t, os.Symlink(c.Indexes[0].Folder, link))
		c.Indexes = append(c.Indexes, sts.Index{Workspace: "acme", Name: "side", Kind: sts.PyPI, Folder: link})
	})
	token := fx.token(fx.dev)
	for round := range 5 {
		version := fmt.Sprintf("2.%d", round)
		statuses := make(chan int, 8)
		for i := range cap(statuses) {
			file := []string{"new_pkg", "New_Pkg", "new.pkg", "NEW_PKG"}[i%4] + "-" + version + "-py3-none-any.whl"
			f := form{file: file, text: fmt.Sprint("content ", i), over: map[string]string{"version": version}}
			path := []string{uploadPath, "/v1/upload/acme/side"}[i/4]
			go func() { statuses <- fx.upload(token, path, f).status }()
		}
		count := map[int]int{}
		for range cap(statuses) {
			count[<-statuses]++
		}
		if count[200] != 1 || count[409] != 7 {
			t.Errorf("round %d: statuses %v", round, count)
		}
	}
}

// blocked is content of a form that comes when it is released.
type blocked struct {
	head    io.Reader
	started chan<- struct{}
	release <-chan struct{}
}

func (b *blocked) Read(p []byte) (int, error) {
	if n, err := b.head.Read(p); n > 0 || err == nil {
		return n, err
	}
	b.started <- struct{}{}
	<-b.release
	return 0, io.ErrUnexpectedEOF
}

// TestSlowUploads of one policy or key do not stop those of others.
func TestSlowUploads(t *testing.T) {
	fx := newFixture(t)
	slow := fx.token(fx.dev)
	kind, body := form{file: newWheel, text: newText}.encode(t)
	started, release, ended := make(chan struct{}, 100), make(chan struct{}), make(chan int, 100)
	for range 16 {
		go func() {
			r := httptest.NewRequest("POST", uploadPath, &blocked{strings.NewReader(body[:len(body)/2]), started, release})
			r.Header = with(bearer(slow), "Content-Type", kind)
			rec := httptest.NewRecorder()
			fx.handler.ServeHTTP(rec, r)
			ended <- rec.Code
		}()
	}
	for range 16 {
		<-started
	}
	f := form{file: newWheel, text: newText}
	fx.want(t, fx.upload(slow, uploadPath, f), 503)
	got := fx.post(publishPath, tokenBody(fx.idToken(audience, nil)))
	fx.want(t, got, 200)
	fx.want(t, fx.upload(field(t, got, "token"), uploadPath, f), 200)
	close(release)
	for range 16 {
		if status := <-ended; status != 400 {
			t.Errorf("a form that was cut off: %d", status)
		}
	}
	fx.want(t, fx.upload(slow, uploadPath, f), 200)
	if left := fx.left(); left != wheelName+" "+newWheel {
		t.Errorf("the folder holds %s", left)
	}
}
