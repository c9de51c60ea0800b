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
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/regpass/regpass"
)

// files reads a project's page. A project unknown to upstream has no files.
func (u *upstream) files(ctx context.Context, project string) ([]packageFile, error) {
	page := u.base.JoinPath(project, "/")
	res, err := u.get(ctx, http.MethodGet, page.String(), http.Header{"Accept": {
		"application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"}})
	if err != nil {
		return nil, badUpstream.with("the request to the upstream index failed").because("%s", err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		return nil, nil
	default:
		return nil, badUpstream.with("the upstream index answered %d", res.StatusCode)
	}
	text, err := regpass.ReadAll(res.Body, maxPage)
	if err != nil {
		return nil, badUpstream.with("the upstream index's page is too long or incomplete")
	}
	if res.Request != nil {
		page = res.Request.URL // links are relative to the last redirect
	}
	read := readLinks
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); strings.HasSuffix(kind, "json") {
		read = readJSON
	}
	listed, err := read(text)
	if err != nil {
		return nil, badUpstream.with("the upstream index's page cannot be parsed").because("%s", err)
	}
	var out []packageFile
	for _, f := range listed {
		of, _, ok := parseFilename(f.name)
		to, err := page.Parse(f.url)
		if !ok || of != project || err != nil {
			continue // an egg or installer, which clients no longer use, or another project's file
		}
		f.url = to.String()
		out = append(out, f)
	}
	return out, nil
}

// sha256Hex is the only kind of hash that is passed on.
var sha256Hex = regpass.Pattern(`^[0-9a-f]{64}$`)

// readJSON reads a page in the format of PEP 691.
func readJSON(text []byte) ([]packageFile, error) {
	var page struct {
		Files []struct {
			Filename, URL  string
			Hashes         map[string]string
			Size           *int64
			UploadTime     string `json:"upload-time"`
			RequiresPython string `json:"requires-python"`
			Yanked         any
		}
	}
	if err := json.Unmarshal(text, &page); err != nil {
		return nil, fmt.Errorf("PEP 691: %w", err)
	}
	var out []packageFile
	for _, f := range page.Files {
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
		out = append(out, p)
	}
	return out, nil
}

// maxLinkText bounds the text of an anchor, in bytes: a file name with white space around it is shorter.
const maxLinkText = 4 << 10

// readLinks reads a page in the format of PEP 503. Only anchors matter; comments, scripts and styles contain none.
func readLinks(text []byte) ([]packageFile, error) {
	var out []packageFile
	var open *packageFile // the file whose anchor is not closed yet
	z := html.NewTokenizer(bytes.NewReader(text))
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) {
				return nil, fmt.Errorf("PEP 503: %w", z.Err())
			}
			return out, nil
		case html.TextToken:
			if open != nil && len(open.name) < maxLinkText {
				open.name += string(z.Text())
			}
		case html.StartTagToken, html.EndTagToken:
			t := z.Token()
			if t.DataAtom != atom.A {
				continue
			}
			if open != nil && kind == html.EndTagToken {
				open.name = strings.TrimSpace(open.name)
				out = append(out, *open)
			}
			open = nil
			if kind == html.StartTagToken {
				open = linkedFile(t.Attr)
			}
		}
	}
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
