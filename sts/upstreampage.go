package sts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/regpass/regpass"
)

// pageTimeout is how long an upstream may take for a page, from the request to its last byte.
const pageTimeout = 2 * upstreamTimeout

// listing reads a project's page. Upstream does not have a project only if it says so by 404 or 410: a page of another
// kind, such as one of maintenance, is a failure, for a client that hears of no project asks the next index for it.
func (u *upstream) listing(ctx context.Context, project string) (listing, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	page := u.base.JoinPath(project, "/")
	res, err := u.get(ctx, http.MethodGet, page.String(), http.Header{"Accept": {
		"application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"}})
	if err != nil {
		return listing{}, badUpstream.with("the request to the upstream index failed").because("%s", err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		return listing{}, nil
	default:
		return listing{}, badUpstream.with("the upstream index answered %d", res.StatusCode)
	}
	text, err := regpass.ReadAll(res.Body, maxPage)
	if err != nil {
		return listing{}, badUpstream.with("the upstream index's page is too long or incomplete")
	}
	if res.Request != nil {
		page = res.Request.URL // links are relative to the last redirect
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return readPage(page, kind, text, project)
}

// fileSize is about how much memory a file of a page takes besides the page's text, in bytes.
const fileSize = 256

// readPage reads a project's page of a media type. Its links are relative to page.
func readPage(page *url.URL, kind string, text []byte, project string) (listing, error) {
	read := readers[kind]
	if read == nil {
		return listing{}, badUpstream.with("the upstream index's answer is not a page of a Python index").
			because("upstream: the page has the type %s", regpass.Quote(kind))
	}
	listed, marked, err := read(text)
	if err != nil {
		return listing{}, badUpstream.with("the upstream index's page cannot be parsed").because("%s", err)
	}
	out, others := listing{exists: true, page: page, size: len(text) + fileSize*len(listed)}, 0
	for _, f := range listed {
		of, _, ok := parseFilename(f.name)
		_, err := url.Parse(f.url)
		if !ok || err != nil {
			continue // an egg or installer, which clients no longer use
		}
		if of != project {
			others++
			continue
		}
		out.files = append(out.files, f)
	}
	if out.files == nil && (!marked || others > 0) {
		return listing{}, badUpstream.with("the upstream index's answer is not a page of this project").
			because("upstream: the page lists %d files of other projects, marked as an index: %v", others, marked)
	}
	return out, nil
}

// readers read a page by its media type. marked tells whether the page says of itself that it is one of a Python index,
// so that it may be empty.
var readers = map[string]func([]byte) (files []packageFile, marked bool, err error){
	"application/vnd.pypi.simple.v1+json": readJSON,
	"application/json":                    readJSON,
	"application/vnd.pypi.simple.v1+html": readLinks,
	"text/html":                           readLinks,
	"application/xhtml+xml":               readLinks,
}

// sha256Hex is the only kind of hash that is passed on.
var sha256Hex = regpass.Pattern(`^[0-9a-f]{64}$`)

// maxFiles is the largest number of files of one project; PyPI's largest has a fifth of it.
const maxFiles = 100_000

var errFiles = fmt.Errorf("the page lists more than %d files", maxFiles)

// jsonFile is a file of a page in the format of PEP 691 and PEP 700.
type jsonFile struct {
	Filename, URL  string
	Hashes         map[string]string
	Size           *int64
	UploadTime     string `json:"upload-time"`
	RequiresPython string `json:"requires-python"`
	Yanked         any
}

// readJSON reads a page in the format of PEP 691, which must have files. It reads one at a time, so what it keeps is
// bounded.
func readJSON(text []byte) (out []packageFile, marked bool, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	listed := false
	err = each(d, '{', func(name string) error {
		switch name {
		case "meta":
			var meta struct {
				Version string `json:"api-version"`
			}
			err := d.Decode(&meta)
			marked = meta.Version != ""
			return err
		case "files":
			listed = true
			return each(d, '[', func(string) error {
				var f jsonFile
				if err := d.Decode(&f); err != nil {
					return err
				}
				if out = append(out, f.packageFile()); len(out) > maxFiles {
					return errFiles
				}
				return nil
			})
		}
		return d.Decode(new(json.RawMessage))
	})
	if _, end := d.Token(); err == nil && (!listed || end != io.EOF) {
		err = errors.New("not an object with files")
	}
	if err != nil {
		return nil, false, fmt.Errorf("PEP 691: %w", err)
	}
	return out, marked, nil
}

// each reads an object or an array; read must read each value. It gets the names of an object's values.
func each(d *json.Decoder, kind json.Delim, read func(name string) error) error {
	if t, err := d.Token(); err != nil || t != kind {
		return fmt.Errorf("not what begins with %s", kind)
	}
	for d.More() {
		name := ""
		if kind == '{' {
			t, err := d.Token()
			if err != nil {
				return err
			}
			name, _ = t.(string) // the decoder takes no other
		}
		if err := read(name); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func (f *jsonFile) packageFile() packageFile {
	p := packageFile{name: f.Filename, url: f.URL, size: -1, requiresPython: f.RequiresPython}
	p.modified, _ = time.Parse(time.RFC3339, f.UploadTime) // zero: unknown
	switch f.Yanked.(type) {
	case bool, string:
		p.yanked = f.Yanked
	}
	if f.Size != nil && *f.Size >= 0 {
		p.size = *f.Size
	}
	if sum := f.Hashes["sha256"]; sha256Hex().MatchString(sum) {
		p.sha256 = sum
	}
	return p
}

// maxLinkText bounds the text of an anchor, in bytes: a file name with white space around it is shorter.
const maxLinkText = 4 << 10

// readLinks reads a page in the format of PEP 503. Only anchors matter, and the mark of PEP 629; comments, scripts and
// styles contain none.
func readLinks(text []byte) (out []packageFile, marked bool, err error) {
	var open *packageFile // the file whose anchor is not closed yet
	z := html.NewTokenizer(bytes.NewReader(text))
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) {
				return nil, false, fmt.Errorf("PEP 503: %w", z.Err())
			}
			return out, marked, nil
		case html.TextToken:
			if open != nil && len(open.name) < maxLinkText {
				open.name += string(z.Text())
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			t := z.Token()
			marked = marked || marks(t)
			if t.DataAtom != atom.A {
				continue
			}
			if open != nil && kind == html.EndTagToken {
				open.name = strings.TrimSpace(open.name)
				if out = append(out, *open); len(out) > maxFiles {
					return nil, false, errFiles
				}
			}
			open = nil
			if kind != html.EndTagToken {
				open = linkedFile(t.Attr)
			}
		}
	}
}

// marks reports whether a tag is the mark of a page of a Python index (PEP 629).
func marks(t html.Token) bool {
	return t.DataAtom == atom.Meta && slices.ContainsFunc(t.Attr, func(a html.Attribute) bool {
		return a.Key == "name" && strings.EqualFold(a.Val, "pypi:repository-version")
	})
}

// linkedFile returns the file that an anchor with these attributes leads to, or nil if it leads nowhere.
func linkedFile(attributes []html.Attribute) *packageFile {
	f := &packageFile{size: -1}
	for _, a := range attributes {
		switch a.Key {
		case "href":
			f.url = a.Val
		case "data-requires-python":
			f.requiresPython = a.Val
		case "data-yanked":
			f.yanked = a.Val
		}
	}
	to, err := url.Parse(f.url)
	if err != nil || f.url == "" {
		return nil
	}
	if sum := strings.TrimPrefix(to.Fragment, "sha256="); sha256Hex().MatchString(sum) {
		f.sha256 = sum
	}
	to.Fragment = ""
	f.url = to.String()
	return f
}
