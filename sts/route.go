package sts

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/regpass/regpass"
)

// route is an endpoint. In its path {} matches one segment and {...} one to four.
type route struct {
	name   string // for the audit
	method string // GET includes HEAD
	path   string
	answer func(*Service, *call) error
	quiet  bool // decides nothing, so only failures of the service are audited
}

var routes = []route{
	{"simple-project", "GET", "/simple/{}/{}/{}/", (*Service).simpleProject, false},
	{"file", "GET", "/files/{}/{}/{}", (*Service).packageFile, false},
	{"conda", "GET", "/conda/{}/{}/{...}", (*Service).condaFile, false},
	{"simple-list", "GET", "/simple/{}/{}/", (*Service).simpleList, false},
	{"simple-project", "GET", "/simple/{}/{}/{}", (*Service).simpleRedirect, false},
	{"simple-list", "GET", "/simple/{}/{}", (*Service).simpleRedirect, false},
	{"access-token", "POST", "/auth/cli/access-token", (*Service).accessToken, false},
	{"refresh", "POST", "/auth/cli/refresh", (*Service).refresh, false},
	{"login-page", "GET", "/auth/cli/login/{}", (*Service).loginPage, true},
	{"login-approve", "POST", "/auth/cli/login/{}", (*Service).loginApprove, false},
	{"login-fetch", "GET", "/auth/cli/status/{}", (*Service).loginStatus, false},
	{"logout", "GET", "/auth/cli/logout", (*Service).logout, false},
	{"audience", "GET", "/v1/trusted-publishing/audience", (*Service).audience, true},
	{"trusted-publishing", "POST", "/v1/trusted-publishing/{}/{}/mint-token", (*Service).trustedPublishing, false},
	{"trusted-access", "POST", "/v1/trusted-access/{}/mint-token", (*Service).trustedAccess, false},
	{"upload", "POST", "/v1/upload/{}/{}", (*Service).upload, false},
	{"validate", "POST", "/v1/upload/{}/{}/validate", (*Service).validate, false},
	{"jwks", "GET", "/.well-known/jwks.json", (*Service).jwks, true},
	{"discovery", "GET", "/.well-known/openid-configuration", (*Service).discovery, true},
	{"what-is", "GET", "/.well-known/regpass", (*Service).whatIs, true},
	{"health", "GET", "/healthz", (*Service).health, true},
}

// The table is matched here and not by http.ServeMux: a mux cleans paths by redirects of its own (which would repeat
// the token of /t/<token> in a Location), has no wildcard for one to four segments, and sends plain-text 404s and 405s.

// compiled is a route with its path split.
type compiled struct {
	route
	segments []string
}

func compile(rows []route) []compiled {
	all := make([]compiled, len(rows))
	for i, r := range rows {
		all[i] = compiled{r, strings.Split(r.path[1:], "/")}
	}
	return all
}

// match returns the segments that {} and {...} match.
func (r *compiled) match(path []string) (args []string, ok bool) {
	for i, s := range r.segments {
		if s == "{...}" {
			rest := path[i:]
			return append(args, rest...), len(rest) >= 1 && len(rest) <= 4
		}
		switch {
		case i >= len(path):
			return nil, false
		case s == "{}" && path[i] != "":
			args = append(args, path[i])
		case s != path[i]:
			return nil, false
		}
	}
	return args, len(path) == len(r.segments)
}

// call is a request and the decision on it.
type call struct {
	w     *statusWriter
	r     *http.Request
	args  []string       // segments of the path that match {} and {...}
	token regpass.Secret // from the path prefix /t/<token>
	now   time.Time
	decision
	silent bool // no decision, so no line of audit
}

// serve routes a request, sends a refusal and writes the audit.
func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	c := &call{w: &statusWriter{ResponseWriter: w}, r: r, now: s.env.Now()}
	c.endpoint, c.remote = "none", r.RemoteAddr
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	if err := s.route(c); err != nil {
		var no *refusal
		if !errors.As(err, &no) {
			no = broken.with("see the service's audit log").because("%s", err)
		}
		c.reason = no.Error()
		if c.w.status == 0 {
			no.write(c.w)
		}
	}
	c.status = c.w.status
	if c.status == 0 { // net/http sends 200 if a handler writes nothing
		c.status = http.StatusOK
	}
	if !c.silent || c.status >= 500 {
		record(r.Context(), s.audit, c.now, c.decision)
	}
}

func (s *Service) route(c *call) error {
	path, err := c.split()
	if err != nil {
		return err
	}
	var allowed []string
	for i := range s.routes {
		row := &s.routes[i]
		args, ok := row.match(path)
		if !ok {
			continue
		}
		if c.r.Method != row.method && (c.r.Method != http.MethodHead || row.method != http.MethodGet) {
			allowed = append(allowed, row.method)
			continue
		}
		c.args, c.endpoint, c.silent = args, row.name, row.quiet
		return row.answer(s, c)
	}
	if allowed != nil {
		c.w.Header().Set("Allow", strings.Join(allowed, ", "))
		return wrongMethod.with("this path accepts %s", strings.Join(allowed, ", "))
	}
	// What may be a project below a wrong address is not 404, as in reading.
	if (len(path) > 1 || path[0] == "simple") && path[0] != "conda" && path[0] != ".well-known" {
		return badRequest.with("no such path; an index is at /simple/WORKSPACE/INDEX/")
	}
	return notFound.with("no such path")
}

// maxSegment is the longest path segment, in bytes: file systems allow no longer names.
const maxSegment = 255

// split removes conda's prefix /t/<token> and splits the path into segments. It refuses everything that could become
// another path later: dot segments, empty segments except the last, encoded slashes, backslashes, control characters,
// and percent signs, which an upstream would decode once more.
func (c *call) split() ([]string, error) {
	path := strings.TrimPrefix(c.r.URL.EscapedPath(), "/")
	if rest, ok := strings.CutPrefix(path, "t/"); ok {
		token, rest, ok := strings.Cut(rest, "/")
		if !ok {
			return nil, badRequest.with("no such path; an index is at /simple/WORKSPACE/INDEX/")
		}
		token, err := url.PathUnescape(token)
		if err != nil {
			return nil, badRequest.with("the path is malformed")
		}
		if c.token, err = regpass.ParseToken(token); err != nil {
			return nil, badCredential.with("the token in the path is malformed")
		}
		path = rest
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		switch {
		case err != nil, !utf8.ValidString(plain), len(plain) > maxSegment, strings.ContainsFunc(plain, ambiguous):
			return nil, badRequest.with("the path is malformed")
		case plain == ".", plain == "..", plain == "" && i < len(segments)-1:
			return nil, badRequest.with("the path has an empty or dot segment")
		}
		segments[i] = plain
	}
	return segments, nil
}

func ambiguous(r rune) bool { return r < ' ' || r == 0x7f || r == '/' || r == '\\' || r == '%' }
