package sts

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

var (
	separators  = regpass.Pattern(`[-_.]+`)
	projectName = regpass.Pattern(`^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$`)
	// https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention
	wheel = regpass.Pattern(`^([A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?)-([A-Za-z0-9_.!+]+)(?:-[0-9][A-Za-z0-9_.]*)?` +
		`-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+\.whl$`)
	// https://packaging.python.org/en/latest/specifications/source-distribution-format/#source-distribution-file-name;
	// old ones have dashes in their names.
	sdist = regpass.Pattern(`^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)-([A-Za-z0-9_.!+]+)\.(?:tar\.gz|zip)$`)
)

// normal is a project's name as PEP 503 normalizes it.
func normal(name string) string { return strings.ToLower(separators().ReplaceAllString(name, "-")) }

// parseFilename splits the file name of a wheel or sdist; project is normalized. A name that it accepts has no slash
// and does not begin with a dot.
func parseFilename(file string) (project, version string, ok bool) {
	if len(file) > maxSegment { // to match a name of megabytes takes seconds
		return "", "", false
	}
	m := wheel().FindStringSubmatch(file)
	if m == nil {
		m = sdist().FindStringSubmatch(file)
	}
	if m == nil {
		return "", "", false
	}
	return normal(m[1]), m[2], true
}

// canonical is a file name with the differences removed that installers ignore: case, and the spelling of the project
// and of the version.
func canonical(file string) string {
	m := wheel().FindStringSubmatchIndex(file)
	if m == nil {
		m = sdist().FindStringSubmatchIndex(file)
	}
	if m == nil {
		return file
	}
	return normal(file[:m[3]]) + "-" + plainVersion(file[m[4]:m[5]]) + strings.ToLower(file[m[5]:])
}

// simpleRedirect adds the slash at the end of a path. The Location is relative, so it holds no token and no host.
func (s *Service) simpleRedirect(c *call) error {
	if _, err := s.reading(c, PyPI); err != nil {
		return err
	}
	last := c.args[len(c.args)-1]
	if len(c.args) == 3 {
		if !projectName().MatchString(last) {
			return notFound.with("not a project name")
		}
		last = normal(last)
	}
	return c.redirect(last + "/")
}

func (c *call) redirect(relative string) error {
	c.w.Header().Set("Location", relative)
	c.w.WriteHeader(http.StatusMovedPermanently)
	return nil
}

// simpleList answers with the names of all projects (PEP 503, PEP 691).
func (s *Service) simpleList(c *call) error {
	x, err := s.reading(c, PyPI)
	if err != nil {
		return err
	}
	variant, err := negotiate(c.r.Header.Values("Accept"))
	if err != nil {
		return err
	}
	if x.folder == nil {
		return notFound.with("an index with an upstream has no list of projects")
	}
	all, err := x.folder.projects()
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(all))
	if variant.json {
		projects := make([]any, len(names))
		for i, n := range names {
			projects[i] = map[string]string{"name": n}
		}
		return c.simple(variant, simpleJSON("1.0", map[string]any{"projects": projects}))
	}
	links := make([]string, len(names))
	for i, n := range names {
		links[i] = `<a href="` + n + `/">` + n + "</a>"
	}
	return c.simple(variant, simpleHTML("Simple index", links))
}

// simpleProject answers with the files of a project (PEP 503, PEP 691, PEP 700). Links are relative, so they stay on
// this host, which accepts the client's credential, and below /t/<token> if the page is.
func (s *Service) simpleProject(c *call) error {
	x, err := s.reading(c, PyPI)
	if err != nil {
		return err
	}
	variant, err := negotiate(c.r.Header.Values("Accept"))
	if err != nil {
		return err
	}
	asked := c.args[2]
	if !projectName().MatchString(asked) {
		return notFound.with("not a project name")
	}
	if asked != normal(asked) {
		return c.redirect("../" + normal(asked) + "/")
	}
	c.object = asked
	c.extendDeadlines() // the first listing hashes every file
	listed, err := s.listing(c, x, asked)
	if err != nil {
		return err
	}
	if !listed.exists {
		return x.absent(asked)
	}
	sent, err := s.beginPage(c, listed)
	if err != nil {
		return err
	}
	defer sent()
	return c.simple(variant, s.page(x, asked, listed, variant))
}

// page writes a project's page. One long page is written at a time, for that takes several times its size.
func (s *Service) page(x *index, project string, listed listing, in variant) []byte {
	if listed.long() {
		s.writing.Lock()
		defer s.writing.Unlock()
	}
	base := "../../../../files/" + x.Workspace + "/" + x.Name + "/"
	if in.json {
		return simpleJSON(projectJSON(project, base, listed.files))
	}
	return simpleHTML("Links for "+project, projectLinks(base, listed.files))
}

// Limits on sending a page to a client that may be slow.
const (
	longPage     = 1 << 20         // bytes; the server's connections hold shorter ones
	sendingLimit = 5 * time.Minute // of a page
)

// long reports whether a page may fill the memory if there are many.
func (l listing) long() bool { return max(l.size, fileSize*len(l.files)) > longPage }

// beginPage waits for the turn of a long page, since each is in memory until the client has read it. The caller ends
// the turn with sent.
func (s *Service) beginPage(c *call, page listing) (sent func(), err error) {
	sent = func() {}
	if page.long() {
		ctx, cancel := context.WithTimeout(c.r.Context(), requestTimeout)
		defer cancel()
		turns := s.sending[c.subject]
		select {
		case turns <- struct{}{}:
			sent = func() { <-turns }
		case <-ctx.Done():
			return nil, unavailable.with("%d long pages are being sent for this key or policy", maxSending)
		}
	}
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(sendingLimit)) // a recorder has no connection
	return sent, nil
}

// timestamp is the layout of upload-time in PEP 700.
const timestamp = "2006-01-02T15:04:05.000000Z"

// fileJSON is a file on a page (PEP 691, PEP 700). A page may have very many, so it takes little memory.
type fileJSON struct {
	Filename string `json:"filename"`
	Hashes   struct {
		SHA256 string `json:"sha256,omitempty"`
	} `json:"hashes"`
	RequiresPython string `json:"requires-python,omitempty"`
	Size           *int64 `json:"size,omitempty"`
	UploadTime     string `json:"upload-time,omitempty"`
	URL            string `json:"url"`
	Yanked         any    `json:"yanked,omitempty"` // bool, or the reason
}

// projectJSON returns a project's page and its API version: 1.1 requires the size of every file, which not every
// upstream gives.
func projectJSON(project, base string, files []packageFile) (version string, page map[string]any) {
	version = "1.1"
	versions := map[string]bool{}
	out := make([]fileJSON, len(files))
	for i := range files {
		f := &files[i]
		if _, v, ok := parseFilename(f.name); ok {
			versions[v] = true
		}
		j := fileJSON{Filename: f.name, URL: base + url.PathEscape(f.name), RequiresPython: f.requiresPython,
			Yanked: f.yanked}
		j.Hashes.SHA256 = f.sha256
		if j.Size = &f.size; f.size < 0 {
			j.Size, version = nil, "1.0"
		}
		if !f.modified.IsZero() {
			j.UploadTime = f.modified.UTC().Format(timestamp)
		}
		out[i] = j
	}
	return version, map[string]any{"name": project, "files": out, "versions": slices.Sorted(maps.Keys(versions))}
}

func simpleJSON(version string, answer map[string]any) []byte {
	answer["meta"] = map[string]string{"api-version": version}
	j, _ := json.Marshal(answer) // strings, numbers and lists of them cannot fail
	return j
}

func projectLinks(base string, files []packageFile) []string {
	links := make([]string, len(files))
	for i, f := range files {
		href := base + url.PathEscape(f.name)
		if f.sha256 != "" {
			href += "#sha256=" + f.sha256
		}
		more := ""
		if f.requiresPython != "" {
			more += ` data-requires-python="` + html.EscapeString(f.requiresPython) + `"`
		}
		switch why := f.yanked.(type) {
		case bool:
			if why {
				more += ` data-yanked=""`
			}
		case string:
			more += ` data-yanked="` + html.EscapeString(why) + `"`
		}
		links[i] = `<a href="` + html.EscapeString(href) + `"` + more + `>` + html.EscapeString(f.name) + `</a>`
	}
	return links
}

func simpleHTML(title string, links []string) []byte {
	var b bytes.Buffer
	b.WriteString("<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n" +
		"<meta name=\"pypi:repository-version\" content=\"1.0\">\n<title>" +
		html.EscapeString(title) + "</title>\n</head>\n<body>\n")
	for _, l := range links {
		b.WriteString(l + "<br>\n")
	}
	b.WriteString("</body>\n</html>\n")
	return b.Bytes()
}

func (c *call) simple(f variant, body []byte) error {
	h := c.w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Accept, Authorization")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err := c.w.Write(body)
	return c.sent(err)
}
