package sts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// upstream is a server that the service queries for the client, with the service's own credential.
type upstream struct {
	base     *url.URL
	hosts    []string
	client   *http.Client
	username string
	token    func() (regpass.Secret, error) // an empty Secret: upstream is public
}

// Limits on requests to an upstream.
const (
	upstreamTimeout   = 20 * time.Second // until the response header; less than requestTimeout
	upstreamRedirects = 5
	pageTTL           = time.Minute // of a project's page in the cache
	maxPage           = 32 << 20    // bytes; PyPI's longest page is about half that
	maxTokenFile      = regpass.MaxToken + 2
)

func newUpstream(x Index, env *regpass.Env) (*upstream, error) {
	base, err := url.Parse(strings.TrimRight(x.Upstream, "/"))
	if err != nil {
		return nil, errors.New("not a URL")
	}
	client := *env.HTTP
	client.Timeout = 0 // files may be long; ask bounds the wait for a response
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	u := &upstream{base: base, hosts: x.UpstreamHosts, client: &client, username: x.UpstreamUsername,
		token: func() (regpass.Secret, error) { return regpass.Secret{}, nil }}
	switch {
	case x.UpstreamTokenFile != "":
		u.token = func() (regpass.Secret, error) { return tokenFile(x.UpstreamTokenFile) }
		_, err = u.token()
	case x.UpstreamTokenEnv != "":
		token, bad := regpass.ParseToken(env.Getenv(x.UpstreamTokenEnv))
		u.token = func() (regpass.Secret, error) { return token, nil }
		if bad != nil {
			err = fmt.Errorf("variable %s: %w", x.UpstreamTokenEnv, bad)
		}
	}
	return u, err
}

func tokenFile(path string) (regpass.Secret, error) {
	text, err := regpass.ReadSecretFile("upstream_token_file", path, maxTokenFile)
	if err != nil {
		return regpass.Secret{}, err
	}
	token, err := regpass.ParseToken(string(text))
	if err != nil {
		return regpass.Secret{}, fmt.Errorf("%s: %w", path, err)
	}
	return token, nil
}

// sameOrigin reports whether the credential may be sent to a URL: its scheme, host and port are upstream's.
func (u *upstream) sameOrigin(to *url.URL) bool {
	return to.Scheme == u.base.Scheme && strings.EqualFold(to.Host, u.base.Host)
}

// allowed refuses hosts that the configuration does not name. Upstream's links are untrusted: one could point into the
// service's own network (server-side request forgery).
func (u *upstream) allowed(to *url.URL) error {
	if to.User != nil {
		return errors.New("upstream sent a URL with a user name")
	}
	if u.sameOrigin(to) {
		return nil
	}
	for _, h := range u.hosts {
		suffix, wild := strings.CutPrefix(h, "*")
		at := strings.ToLower(to.Host)
		if at == h || wild && strings.HasSuffix(at, suffix) {
			return regpass.CheckEndpoint(to)
		}
	}
	return fmt.Errorf("upstream links to the host %s, which upstream_hosts does not list", regpass.Quote(to.Host))
}

// passed are the request headers that go to upstream. None of them identifies the client.
var passed = []string{"Range", "If-Range", "If-None-Match", "If-Modified-Since"}

// get requests a URL and follows redirects to allowed hosts. Only upstream's own origin gets the credential. The caller
// closes the body.
func (u *upstream) get(ctx context.Context, method, raw string, header http.Header) (*http.Response, error) {
	to, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("upstream sent an invalid URL")
	}
	for range upstreamRedirects {
		if err := u.allowed(to); err != nil {
			return nil, err
		}
		res, err := u.ask(ctx, method, to, header)
		if err != nil {
			return nil, err
		}
		place := res.Header.Get("Location")
		if res.StatusCode/100 != 3 || res.StatusCode == http.StatusNotModified || place == "" {
			return res, nil
		}
		_ = res.Body.Close()
		if to, err = to.Parse(place); err != nil {
			return nil, errors.New("upstream redirects to an invalid URL")
		}
	}
	return nil, fmt.Errorf("upstream redirects more than %d times", upstreamRedirects)
}

// ask sends one request. It gives up if the response does not begin within upstreamTimeout.
func (u *upstream) ask(ctx context.Context, method string, to *url.URL, header http.Header) (*http.Response, error) {
	ctx, cancel := context.WithCancel(ctx)
	slow := time.AfterFunc(upstreamTimeout, cancel)
	req, err := http.NewRequestWithContext(ctx, method, to.String(), nil)
	if err != nil {
		cancel()
		return nil, errors.New("upstream sent an invalid URL")
	}
	req.Header = header.Clone()
	req.Header.Set("User-Agent", "regpass")
	req.Header.Set("Accept-Encoding", "identity") // the body is passed on unchanged
	if u.sameOrigin(to) {
		token, err := u.token()
		switch {
		case err != nil:
			cancel()
			return nil, fmt.Errorf("upstream credential: %w", err)
		case token.Empty():
		case u.username != "":
			req.SetBasicAuth(u.username, token.Reveal())
		default:
			req.Header.Set("Authorization", "Bearer "+token.Reveal())
		}
	}
	res, err := u.client.Do(req)
	slow.Stop()
	if err != nil {
		cancel()
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the URL, which may be signed
		}
		return nil, fmt.Errorf("no answer from upstream: %w", err)
	}
	res.Body = &cancelOnClose{res.Body, cancel}
	return res, nil
}

// cancelOnClose releases the request's context when its body is closed.
type cancelOnClose struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (e *cancelOnClose) Close() error {
	defer e.cancel()
	return e.ReadCloser.Close()
}

// returned are the response headers that go to the client.
var returned = []string{"Content-Length", "Content-Range", "Content-Encoding", "Accept-Ranges", "Etag", "Last-Modified"}

// send answers with upstream's response for a URL.
func (u *upstream) send(c *call, kind, raw string) error {
	ask := http.Header{}
	for _, h := range passed {
		if v := c.r.Header.Get(h); v != "" {
			ask.Set(h, v)
		}
	}
	res, err := u.get(c.r.Context(), c.r.Method, raw, ask)
	if err != nil {
		return badUpstream.with("the request to the upstream index failed").because("%s", err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK, http.StatusPartialContent, http.StatusNotModified, http.StatusRequestedRangeNotSatisfiable:
	case http.StatusNotFound, http.StatusGone:
		return notFound.with("the index has no such file")
	default:
		return badUpstream.with("the upstream index answered %d", res.StatusCode)
	}
	theirs, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if theirs == "text/html" && !strings.HasSuffix(c.object, ".html") {
		return badUpstream.with("the upstream index answered with a web page") // of maintenance, or of a login
	}
	c.extendDeadlines()
	h := c.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "private, no-cache")
	for _, name := range returned {
		if v := res.Header.Get(name); v != "" {
			h.Set(name, v)
		}
	}
	c.w.WriteHeader(res.StatusCode)
	_, err = io.Copy(c.w, res.Body)
	return c.sent(err)
}
