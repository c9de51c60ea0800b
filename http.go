package regpass

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxBody is how much of an answer is read, in bytes; a larger one is an error.
const maxBody = 1 << 20

// Request is one question to a server. Secrets in Bearer and JSON are revealed only while it is written.
type Request struct {
	Stage  string // what is being done, for the error: "pyx: exchange the API key"
	Method string
	URL    *url.URL
	Bearer Secret         // sent as Authorization: Bearer
	Header http.Header    // further headers; none of them secret
	JSON   map[string]any // body; a Secret in it is sent as its value. nil: no body
}

// HTTPError is an answer that is not what was asked for.
type HTTPError struct {
	Stage, Method, URL string
	Status             int
	Message            string        // what the server said, unquoted, at most 300 bytes, our own secrets removed
	RetryAfter         time.Duration // what the server asked for, or zero
}

// Error names the stage, the request and the status, and quotes the server's message.
func (e *HTTPError) Error() string {
	s := fmt.Sprintf("%s: %s %s: %d %s", e.Stage, e.Method, e.URL, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		s += ": " + Quote(e.Message)
	}
	return s
}

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
	return fmt.Errorf("%s is neither https nor on this machine", harmless(u.Scheme+"://"+u.Host))
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

// Do asks once. It follows no redirect, since a redirect would repeat the proof elsewhere, and reads at most 1 MiB. An
// answer that is not 2xx is an *HTTPError; the body of a 2xx answer is never part of an error, for it may be a token.
func (e *Env) Do(ctx context.Context, r Request) ([]byte, error) {
	where := r.URL.Redacted()
	if err := CheckEndpoint(r.URL); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Stage, err)
	}
	var body io.Reader
	if r.JSON != nil {
		j, err := json.Marshal(revealed(r.JSON))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Stage, err)
		}
		body = bytes.NewReader(j)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Stage, err)
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "regpass")
	if r.JSON != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if !r.Bearer.Empty() {
		req.Header.Set("Authorization", "Bearer "+r.Bearer.Reveal())
	}
	client := *e.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, fmt.Errorf("%s: %s %s: %w", r.Stage, r.Method, where, foreign{err})
	}
	defer res.Body.Close()
	got, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %s %s: read the answer: %w", r.Stage, r.Method, where, foreign{err})
	}
	if res.StatusCode/100 != 2 {
		he := &HTTPError{Stage: r.Stage, Method: r.Method, URL: where, Status: res.StatusCode,
			Message: clean(message(got), r), RetryAfter: retryAfter(res.Header.Get("Retry-After"), e.Now())}
		if res.StatusCode/100 == 3 {
			he.Message = "a redirect, which is not followed because it would repeat the secret elsewhere"
		}
		return nil, he
	}
	if len(got) > maxBody {
		return nil, fmt.Errorf("%s: %s %s: the answer is longer than %d bytes", r.Stage, r.Method, where, maxBody)
	}
	return got, nil
}

// DoJSON asks once and decodes the answer into v.
func (e *Env) DoJSON(ctx context.Context, r Request, v any) error {
	header := http.Header{"Accept": {"application/json"}}
	maps.Copy(header, r.Header)
	r.Header = header
	got, err := e.Do(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(got, v); err != nil {
		return fmt.Errorf("%s: %s %s: the answer (%d bytes) is not the JSON that was expected", r.Stage, r.Method, r.URL.Redacted(), len(got))
	}
	return nil
}

// foreign is an error whose text may hold what the other side sent before it had to prove who it is: the names in its
// certificate, which may hold line ends, or a proxy's status line.
type foreign struct{ error }

func (f foreign) Error() string { return harmless(f.error.Error()) }
func (f foreign) Unwrap() error { return f.error }

// revealed copies a body with its secrets as strings.
func revealed(in map[string]any) map[string]any {
	out := make(map[string]any, len(in))
	for k, v := range in {
		if s, ok := v.(Secret); ok {
			v = s.Reveal()
		}
		out[k] = v
	}
	return out
}

// message finds what an error answer says: RFC 9457 title and detail, or the fields that registries use, or the text.
func message(body []byte) string {
	var p struct {
		Title, Detail, Message, Description string
		Error                               json.RawMessage
		OAuth                               string `json:"error_description"`
		Errors                              []struct{ Code, Detail, Description, Message string }
	}
	if json.Unmarshal(body, &p) != nil {
		return string(body)
	}
	var said []string
	text := ""
	_ = json.Unmarshal(p.Error, &text)
	said = append(said, p.Title, p.Detail, p.Message, text, p.OAuth, p.Description)
	for _, e := range p.Errors {
		said = append(said, e.Code, e.Detail, e.Description, e.Message)
	}
	said = nonEmpty(said)
	if len(said) == 0 {
		return string(body)
	}
	return strings.Join(said, ": ")
}

func nonEmpty(in []string) []string {
	var out []string
	for _, s := range in {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// clean removes what r sent in secret from a message that the server may have echoed, and cuts it.
func clean(said string, r Request) string {
	sent := []Secret{r.Bearer}
	for _, v := range r.JSON {
		if s, ok := v.(Secret); ok {
			sent = append(sent, s)
		}
	}
	said = string(NewRedactions(sent...).Redact([]byte(said)))
	if len(said) > maxQuote {
		said = said[:maxQuote]
	}
	return strings.TrimSpace(said)
}

func retryAfter(v string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return time.Duration(min(n, 86400)) * time.Second // a day; a larger number could overflow
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}

// How Retry tries: at most maxTries times, waiting a random part of firstWait doubled each time, at most maxWait
// ("full jitter", https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
const (
	maxTries  = 5
	firstWait = 200 * time.Millisecond
	maxWait   = 5 * time.Second
)

// Retry calls try until it succeeds, fails in a way that a second try can't mend, or ctx ends. try is expected to
// make its proof anew where that is possible.
func (e *Env) Retry(ctx context.Context, try func(context.Context) error) error {
	const late = "no success within the time limit; raise it with --timeout"
	var last error
	for n := range maxTries {
		err := try(ctx)
		switch {
		case err == nil:
			return nil
		case last != nil && ctx.Err() != nil:
			// Cut short: what the try before met tells more.
		case last != nil && !passing(err):
			return fmt.Errorf("%w (tried again after: %v)", err, last)
		default:
			last = err
		}
		if !passing(last) || ctx.Err() != nil || n == maxTries-1 {
			break
		}
		wait, hint := rand.N(min(firstWait<<n, maxWait)), late
		var he *HTTPError
		if errors.As(last, &he) && he.RetryAfter > 0 {
			wait = he.RetryAfter
			hint = fmt.Sprintf("the server asks to wait %s, longer than the time limit allows; raise it with --timeout", wait.Round(time.Second))
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) <= wait {
			return Hintf(last, "%s", hint)
		}
		if err := e.Wait(ctx, wait); err != nil {
			break
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Hintf(last, "%s", late)
	}
	return last
}

// passing reports whether a second try can succeed: connection errors and time-outs, 408, 425, 429 and 5xx.
func passing(err error) bool {
	var he *HTTPError
	if errors.As(err, &he) {
		switch he.Status {
		case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
			return true
		}
		return he.Status >= 500
	}
	var cert *tls.CertificateVerificationError
	var ne net.Error
	if errors.As(err, &cert) || errors.Is(err, context.Canceled) {
		return false
	}
	return errors.As(err, &ne) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
