package regpass

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxBody is the longest answer that is read, in bytes.
const maxBody = 1 << 20

// CheckEndpoint refuses a URL that a secret must not be sent to: anything but https, or http to this machine.
func CheckEndpoint(u *url.URL) error {
	switch {
	case u.User != nil:
		return fmt.Errorf("the URL of %s carries a user name or password", Quote(u.Host))
	case u.Hostname() == "":
		return errors.New("the URL names no host")
	case u.Scheme == "https", u.Scheme == "http" && Loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%s is neither https nor on this machine", quoteIfNeeded(u.Scheme+"://"+u.Host))
}

// Endpoint is the server that the first of the variables names, otherwise the URL usual. A variable names where a live
// token goes, so it must be https, or http on this machine; no file of a checkout can set one.
func (e *Env) Endpoint(usual string, vars ...string) (*url.URL, error) {
	name, value := e.Lookup(vars...)
	if name == "" {
		return url.Parse(usual)
	}
	u, err := url.Parse(value)
	if err != nil {
		return nil, Usagef("%s is not a URL", name)
	}
	if err := CheckEndpoint(u); err != nil {
		return nil, Hintf(fmt.Errorf("%s: %w", name, err), "set it to an https URL, or unset it")
	}
	return u, nil
}

// Loopback reports whether host (without port) is this machine by name or address.
func Loopback(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}

// linkLocal reports whether u is http to an address that only this machine and its host can reach.
func linkLocal(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && (ip.IsLinkLocalUnicast() || ip == eksAgent || ip == ec2v6) && u.Scheme == "http" && u.User == nil
}

// Addresses of metadata servers of AWS that are not in the link-local ranges, or are in that of IPv6 for one network
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html,
// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html).
var (
	ec2v6    = netip.MustParseAddr("fd00:ec2::254")
	eksAgent = netip.MustParseAddr("fd00:ec2::23")
)

// Do sends a request once. It follows no redirect, which would repeat the proof elsewhere, and reads at most 1 MiB. An
// answer that is not 2xx is an *HTTPError. No error holds the body of a 2xx answer, which may be a token.
func (e *Env) Do(ctx context.Context, r Request) ([]byte, error) {
	if err := CheckEndpoint(r.URL); err != nil && !(r.LinkLocal && linkLocal(r.URL)) {
		return nil, fmt.Errorf("%s: %w", r.Op, err)
	}
	req, err := r.write(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Op, err)
	}
	began := time.Now() // how long it takes is no business of the clock that credentials end by
	client := *e.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, noAnswer(fmt.Errorf("%s: %w", r, quotedError{err}))
	}
	defer res.Body.Close()
	e.Step("%s: %s, in %s", r, res.Status, time.Since(began).Round(time.Millisecond))
	got, err := ReadAll(res.Body, maxBody)
	tooLong := errors.Is(err, ErrTooLong)
	switch {
	case err != nil && !tooLong:
		return nil, fmt.Errorf("%s: read the answer: %w", r, quotedError{err})
	case res.StatusCode/100 != 2:
		return nil, e.httpError(r, res, got)
	case tooLong:
		return nil, fmt.Errorf("%s: the answer is %w", r, err)
	}
	return got, nil
}

// metadataTimeout limits one question to a metadata server, which is on this machine or beside it.
const metadataTimeout = 2 * time.Second

// AskMetadata is Do for a cloud's metadata server, which may be link-local, without a proxy: that would ask the server
// of its own machine. It tries again as Retry does, and also after the statuses that the server has while it starts.
func (e *Env) AskMetadata(ctx context.Context, r Request, starting ...int) (answer []byte, err error) {
	direct := *e
	if t, ok := e.HTTP.Transport.(*http.Transport); ok {
		t = t.Clone()
		t.Proxy, t.DisableKeepAlives = nil, true
		direct.HTTP = &http.Client{Transport: t}
	}
	r.LinkLocal = true
	err = e.Retry(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
		defer cancel()
		answer, err = direct.Do(ctx, r)
		var he *HTTPError
		if errors.As(err, &he) && slices.Contains(starting, he.Status) {
			err = TryAgain(err)
		}
		return err
	})
	return answer, err
}

// httpError makes the error for an answer that is not 2xx.
func (e *Env) httpError(r Request, res *http.Response, body []byte) *HTTPError {
	he := &HTTPError{
		Op: r.Op, Method: r.Method, URL: r.URL.Redacted(), Status: res.StatusCode,
		Message: scrub(serverMessage(body), r), RetryAfter: retryAfter(res.Header.Get("Retry-After"), e.Now()),
		Header: res.Header,
	}
	if res.StatusCode/100 == 3 {
		he.Message = "a redirect, which is not followed because it would repeat the secret elsewhere"
	}
	return he
}

// DoJSON sends a request once and decodes the answer into v.
func (e *Env) DoJSON(ctx context.Context, r Request, v any) error {
	header := http.Header{"Accept": {"application/json"}}
	maps.Copy(header, r.Header)
	r.Header = header
	got, err := e.Do(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(got, v); err != nil {
		return fmt.Errorf("%s: the answer (%d bytes) is not the expected JSON", r, len(got))
	}
	return nil
}
