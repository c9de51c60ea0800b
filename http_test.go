package regpass

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const bearer = "pyx_Zq7-bearer-Zq7"

// serve answers on loopback for the length of a test.
func serve(t *testing.T, h http.HandlerFunc) *url.URL {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return parse(t, s.URL)
}

func parse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func testEnv() *Env { return &Env{HTTP: &http.Client{}, Now: time.Now} }

func TestDoSends(t *testing.T) {
	var got http.Header
	var body, asked string
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body, asked = r.Header, string(b), r.Method+" "+r.URL.String()
		_, _ = io.WriteString(w, "answer")
	})
	answer, err := testEnv().Do(t.Context(), Request{
		Op: "test", Method: http.MethodPost, URL: u.JoinPath("a"), Bearer: NewSecret(bearer),
		Header: http.Header{"X-More": {"1"}}, JSON: map[string]any{"token": NewSecret("inner"), "n": 1},
	})
	if err != nil || string(answer) != "answer" {
		t.Fatalf("%q, %v", answer, err)
	}
	if asked != "POST /a" || body != `{"n":1,"token":"inner"}` {
		t.Errorf("%s with %s", asked, body)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer " + bearer, "Content-Type": "application/json", "User-Agent": "regpass", "X-More": "1",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q", name, got.Get(name))
		}
	}
}

func TestDoWithoutSecretOrBody(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, has := r.Header["Authorization"]; has || r.ContentLength != 0 || r.Header.Get("Content-Type") != "" {
			t.Errorf("sent %v and %d bytes", r.Header, r.ContentLength)
		}
	})
	if _, err := testEnv().Do(t.Context(), Request{Op: "test", Method: http.MethodGet, URL: u}); err != nil {
		t.Error(err)
	}
}

// A redirect would carry the proof elsewhere.
func TestDoFollowsNoRedirect(t *testing.T) {
	elsewhere := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s %s arrived", r.Method, r.URL) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		u := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.String(), status) })
		_, err := testEnv().Do(t.Context(), Request{
			Op: "test", Method: http.MethodPost, URL: u, Bearer: NewSecret(bearer), JSON: map[string]any{},
		})
		var he *HTTPError
		if !errors.As(err, &he) || he.Status != status || !strings.Contains(he.Message, "a redirect, which is not followed") {
			t.Errorf("%d is %v", status, err)
		}
	}
}

func TestDoRefusesBeforeItConnects(t *testing.T) {
	e := testEnv()
	e.HTTP.Transport = &http.Transport{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
		t.Errorf("connected to %s", addr)
		return nil, errors.New("no")
	}}
	for raw, why := range map[string]string{
		"http://pyx.dev/":                 "http://pyx.dev is neither https nor on this machine",
		"http://localhost.evil.example/":  "neither https",
		"http://127.0.0.1.evil.example/":  "neither https",
		"http://0.0.0.0/":                 "neither https",
		"http://192.168.1.1/":             "neither https",
		"ftp://localhost/":                "neither https",
		"https:///path":                   "names no host",
		"https://user@pyx.dev/":           "carries a user name or password",
		"https://u:Zq7-bearer@localhost/": "carries a user name or password",
	} {
		r := Request{Op: "test", Method: http.MethodGet, URL: parse(t, raw), Bearer: NewSecret(bearer)}
		_, err := e.Do(t.Context(), r)
		if err == nil || !strings.HasPrefix(err.Error(), "test: ") || !strings.Contains(err.Error(), why) ||
			strings.Contains(err.Error(), "Zq7") {
			t.Errorf("%s is refused with %v", raw, err)
		}
	}
}

func TestCheckEndpointAccepts(t *testing.T) {
	for _, raw := range []string{
		"https://pyx.dev/x", "http://localhost:8080/", "http://LOCALHOST/", "http://a.localhost/",
		"http://127.0.0.1/", "http://127.9.9.9/", "http://[::1]:1/",
	} {
		if err := CheckEndpoint(parse(t, raw)); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestDoReadsAtMostAMegabyte(t *testing.T) {
	const size = 10 << 20
	for _, status := range []int{200, 500} {
		u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			for sent := 0; sent < size; sent += 1 << 16 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		})
		got, err := testEnv().Do(t.Context(), Request{Op: "test", Method: http.MethodGet, URL: u})
		if got != nil || err == nil || len(err.Error()) > 2000 {
			t.Errorf("%d: %d bytes came through, %v", status, len(got), err)
		}
		if status == 200 && !strings.Contains(err.Error(), "longer than 1048576 bytes") {
			t.Error(err)
		}
	}
	exact := strings.Repeat("x", maxBody)
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, exact) })
	got, err := testEnv().Do(t.Context(), Request{Op: "test", Method: http.MethodGet, URL: u})
	if err != nil || string(got) != exact {
		t.Errorf("a whole megabyte: %d bytes, %v", len(got), err)
	}
}

// A server may say back what it was sent, in whatever form, and anything else to harm whoever reads it.
func TestDoCleansMessages(t *testing.T) {
	const inner = "jwt.Zq7-inner/+.Zq7"
	for _, c := range []struct{ name, body, want string }{
		{"problem", `{"title":"Forbidden","detail":"no rule matches"}`, `403 Forbidden: "Forbidden: no rule matches"`},
		{"OAuth", `{"error":"invalid_grant","error_description":"expired"}`, `"invalid_grant: expired"`},
		{"errors", `{"errors":[{"code":"DENIED","message":"no"}]}`, `"DENIED: no"`},
		{"error object", `{"error":{"code":1},"message":"m"}`, `"m"`},
		{"unknown JSON", `{"x":1}`, `"{\"x\":1}"`},
		{"other shape", `{"detail":[{"msg":"bad"}]}`, `"{\"detail\":[{\"msg\":\"bad\"}]}"`},
		{"text", "denied\n", `"denied"`},
		{"nothing", "", "403 Forbidden"},
		{"bearer in text", "bad token " + bearer + "!", `"bad token ***!"`},
		{"bearer in JSON", `{"detail":"` + bearer + `"}`, `"***"`},
		{"body's secret", `{"detail":"` + inner + `"}`, `"***"`},
		{"body's secret in a URL", "?t=" + url.QueryEscape(inner), `"?t=***"`},
		{"base64", base64.StdEncoding.EncodeToString([]byte("user:" + bearer)), "***"},
		{"at the cut", strings.Repeat("x", 295) + bearer, `x***"`},
		{"runner command", "x\n::add-mask::y ##[error]z", `"x\n::add-mask::y ##\x5berror]z"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(403)
				_, _ = io.WriteString(w, c.body)
			})
			_, err := testEnv().Do(t.Context(), Request{Op: "test", Method: http.MethodPost, URL: u, Bearer: NewSecret(bearer),
				JSON: map[string]any{"token": NewSecret(inner)}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("the error is %v", err)
			}
			text := fmt.Sprintf("%v %+v %#v", err, err, err)
			if strings.Contains(text, "Zq7") || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error shows too much: %s", text)
			}
		})
	}
}

func TestHTTPErrorNamesWhatWasAsked(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		http.Error(w, "busy", http.StatusServiceUnavailable)
	})
	r := Request{Op: "pyx: exchange", Method: http.MethodPost, URL: u.JoinPath("v1/token")}
	_, err := testEnv().Do(t.Context(), r)
	want := fmt.Sprintf(`pyx: exchange: POST %s/v1/token: 503 Service Unavailable: "busy"`, u)
	if err == nil || err.Error() != want {
		t.Errorf("the error is %v", err)
	}
	var he *HTTPError
	if !errors.As(err, &he) || he.RetryAfter != 7*time.Second {
		t.Errorf("RetryAfter of %#v", he)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "0": 0, "-1": 0, "x": 0, "1.5": 0, "120": 2 * time.Minute,
		"99999999999":                   24 * time.Hour, // would overflow
		"Fri, 20 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Fri, 20 Nov 2026 11:00:00 GMT": 0,
	} {
		if got := retryAfter(v, now); got != want {
			t.Errorf("Retry-After: %s is %s, not %s", v, got, want)
		}
	}
}

func TestDoJSON(t *testing.T) {
	answer := ""
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "application/json" {
			t.Errorf("accepts %q", r.Header.Get("Accept"))
		}
		_, _ = io.WriteString(w, answer)
	})
	ask := func() (string, error) {
		var got struct{ Token string }
		header := http.Header{"X-More": {"1"}}
		err := testEnv().DoJSON(t.Context(), Request{Op: "test", Method: http.MethodGet, URL: u, Header: header}, &got)
		if len(header) != 1 {
			t.Errorf("the caller's header became %v", header)
		}
		return got.Token, err
	}
	answer = `{"token":"Zq7"}`
	if got, err := ask(); got != "Zq7" || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	for _, answer = range []string{"", "Zq7Zq7", `{"token":"Zq7"`, `{"token":["Zq7"]}`, `{"token":"Zq7"}Zq7`} {
		_, err := ask()
		if err == nil || strings.Contains(err.Error(), "Zq7") || !strings.Contains(err.Error(), "is not the expected JSON") {
			t.Errorf("%s is %v", answer, err)
		}
	}
}

// The names in a certificate are shown when they don't match, before it is known who made it.
func TestDoQuotesWhatACertificateSays(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	if err != nil {
		t.Fatal(err)
	}
	hostile := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"a\n::error::pay"}, NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(nil, hostile, &x509.Certificate{SerialNumber: big.NewInt(1)}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	defer s.Close()
	u := parse(t, s.URL)
	u.Host = "localhost:" + u.Port()
	_, err = testEnv().Do(t.Context(), Request{Op: "test", Method: http.MethodGet, URL: u})
	var cert *tls.CertificateVerificationError
	if !errors.As(err, &cert) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), `a\n::error::pay`) {
		t.Errorf("the error is %v", err)
	}
}

// retryEnv is a surrounding whose waits take no time and are written down.
func retryEnv(waits *[]time.Duration) *Env {
	e := testEnv()
	e.Wait = func(ctx context.Context, d time.Duration) error {
		*waits = append(*waits, d)
		return ctx.Err()
	}
	return e
}

func TestRetryWhich(t *testing.T) {
	certificate := func() error {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		defer s.Close()
		_, err := testEnv().Do(t.Context(), Request{Op: "test", Method: http.MethodGet, URL: parse(t, s.URL)})
		return err
	}()
	refused := func() error {
		s := httptest.NewServer(http.NotFoundHandler())
		s.Close()
		_, err := testEnv().Do(t.Context(), Request{Op: "test", Method: http.MethodGet, URL: parse(t, s.URL)})
		return err
	}()
	hungUp := func() error {
		u := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		_, err := testEnv().Do(t.Context(), Request{Op: "test", Method: http.MethodGet, URL: u})
		return err
	}()
	cutShort := func() error {
		u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "x")
		})
		_, err := testEnv().Do(t.Context(), Request{Op: "test", Method: http.MethodGet, URL: u})
		return err
	}()
	slow := func() error {
		e := testEnv()
		e.HTTP.Transport = &http.Transport{ResponseHeaderTimeout: time.Millisecond}
		done := make(chan struct{})
		u := serve(t, func(http.ResponseWriter, *http.Request) { <-done })
		defer close(done)
		_, err := e.Do(t.Context(), Request{Op: "test", Method: http.MethodGet, URL: u})
		return err
	}()
	for _, c := range []struct {
		name  string
		err   error
		tries int
	}{
		{"400", &HTTPError{Status: 400}, 1},
		{"401", &HTTPError{Status: 401}, 1},
		{"403", &HTTPError{Status: 403}, 1},
		{"404", &HTTPError{Status: 404}, 1},
		{"408", &HTTPError{Status: 408}, maxTries},
		{"409", &HTTPError{Status: 409}, 1},
		{"425", &HTTPError{Status: 425}, maxTries},
		{"429", &HTTPError{Status: 429}, maxTries},
		{"500", &HTTPError{Status: 500}, maxTries},
		{"503 wrapped", fmt.Errorf("x: %w", &HTTPError{Status: 503}), maxTries},
		{"302", &HTTPError{Status: 302}, 1},
		{"untrusted certificate", certificate, 1},
		{"connection refused", refused, maxTries},
		{"hung up", hungUp, maxTries},
		{"answer cut short", cutShort, maxTries},
		{"no answer in time", slow, maxTries},
		{"no such host", &net.DNSError{Err: "no such host", IsNotFound: true}, maxTries},
		{"cancelled", fmt.Errorf("x: %w", context.Canceled), 1},
		{"another error", errors.New("bad answer"), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.err == nil {
				t.Fatal("there is no error to try")
			}
			var waits []time.Duration
			tries := 0
			err := retryEnv(&waits).Retry(t.Context(), func(context.Context) error { tries++; return c.err })
			if tries != c.tries || len(waits) != c.tries-1 || !errors.Is(err, c.err) {
				t.Errorf("%d tries, %d waits, %v", tries, len(waits), err)
			}
			for n, w := range waits {
				if w < 0 || w >= firstWait<<n {
					t.Errorf("wait %d is %s", n, w)
				}
			}
		})
	}
}

func TestRetryEnds(t *testing.T) {
	var waits []time.Duration
	e := retryEnv(&waits)
	t.Run("with success", func(t *testing.T) {
		tries := 0
		err := e.Retry(t.Context(), func(context.Context) error {
			if tries++; tries < 3 {
				return &HTTPError{Status: 502}
			}
			return nil
		})
		if err != nil || tries != 3 {
			t.Errorf("%d tries, %v", tries, err)
		}
	})
	t.Run("with another error", func(t *testing.T) {
		answers := []error{
			&HTTPError{Op: "a", Method: "GET", URL: "u", Status: 502},
			Hintf(&HTTPError{Op: "a", Status: 401}, "log in"),
		}
		tries := 0
		err := e.Retry(t.Context(), func(context.Context) error { tries++; return answers[tries-1] })
		if tries != 2 || !errors.Is(err, answers[1]) || !slices.Equal(Hints(err), []string{"log in"}) ||
			!strings.Contains(err.Error(), "(tried again after: a: GET u: 502 Bad Gateway)") {
			t.Errorf("%d tries, %v, hints %q", tries, err, Hints(err))
		}
	})
	t.Run("waits as the server asks", func(t *testing.T) {
		waits = nil
		_ = e.Retry(t.Context(), func(context.Context) error { return &HTTPError{Status: 429, RetryAfter: 9 * time.Second} })
		if want := slices.Repeat([]time.Duration{9 * time.Second}, maxTries-1); !slices.Equal(waits, want) {
			t.Errorf("waited %v", waits)
		}
	})
	t.Run("asked to wait beyond the deadline", func(t *testing.T) {
		waits = nil
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := e.Retry(ctx, func(context.Context) error { return &HTTPError{Status: 429, RetryAfter: time.Hour} })
		hint := "the server asks to wait 1h0m0s, longer than the time limit allows; raise it with --timeout"
		if len(waits) != 0 || !slices.Equal(Hints(err), []string{hint}) {
			t.Errorf("waited %v, %v, hints %q", waits, err, Hints(err))
		}
	})
	t.Run("deadline during a try", func(t *testing.T) {
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		tries := 0
		err := e.Retry(ctx, func(ctx context.Context) error { tries++; return ctx.Err() })
		hint := "no success within the time limit; raise it with --timeout"
		if tries != 1 || !errors.Is(err, context.DeadlineExceeded) || !slices.Equal(Hints(err), []string{hint}) {
			t.Errorf("%d tries, %v, hints %q", tries, err, Hints(err))
		}
	})
	t.Run("cancelled during a wait", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		e := retryEnv(&waits)
		e.Wait = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
		tries := 0
		first := &HTTPError{Status: 503}
		err := e.Retry(ctx, func(context.Context) error { tries++; return first })
		if tries != 1 || !errors.Is(err, first) || len(Hints(err)) != 0 {
			t.Errorf("%d tries, %v", tries, err)
		}
	})
	t.Run("cancelled during the second try", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		tries := 0
		first := &HTTPError{Status: 503}
		err := e.Retry(ctx, func(ctx context.Context) error {
			if tries++; tries == 1 {
				return first
			}
			cancel()
			return ctx.Err()
		})
		if tries != 2 || !errors.Is(err, first) {
			t.Errorf("%d tries, %v: the first error is the one that tells", tries, err)
		}
	})
}

// signer signs as a test: it says what it was given.
type signer struct{ key Secret }

func (s signer) Sign(r *http.Request, body []byte) error {
	r.Header.Set("X-Signature", fmt.Sprintf("%s %s %d %s", r.Method, r.URL.Path, len(body), s.key.Reveal()))
	return nil
}

func TestRequestForms(t *testing.T) {
	pw, hop := NewSecret("pässword&=1"), NewSecret("secret-of-an-earlier-hop")
	for name, test := range map[string]struct {
		request Request
		want    map[string]string // headers, and "body"
	}{
		"form": {
			Request{Form: map[string]any{"grant_type": "x y", "token": pw}},
			map[string]string{
				"Content-Type": "application/x-www-form-urlencoded",
				"body":         "grant_type=x+y&token=p%C3%A4ssword%26%3D1",
			},
		},
		"Basic": {
			Request{Basic: Login{Username: "ci", Password: pw}},
			map[string]string{"Authorization": "Basic Y2k6cMOkc3N3b3JkJj0x", "body": ""},
		},
		"header": {Request{Keys: map[string]Secret{"X-Vault-Token": pw}}, map[string]string{"X-Vault-Token": "pässword&=1"}},
		"signed": {
			Request{JSON: map[string]any{"a": 1}, Sign: signer{pw}},
			map[string]string{"X-Signature": "POST /x 7 pässword&=1", "body": `{"a":1}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				for header, want := range test.want {
					got := r.Header.Get(header)
					if header == "body" {
						got = string(body)
					}
					if got != want {
						t.Errorf("%s is %q, want %q", header, got, want)
					}
				}
				w.WriteHeader(http.StatusTeapot)
				_, _ = fmt.Fprintf(w, "%s %v %s", body, r.Header, hop.Reveal())
			}))
			defer server.Close()
			u, err := url.Parse(server.URL + "/x")
			if err != nil {
				t.Fatal(err)
			}
			r := test.request
			r.Op, r.Method, r.URL, r.Scrub = "hop 2", http.MethodPost, u, []Secret{hop}
			if r.Sign != nil {
				r.Scrub = append(r.Scrub, pw)
			}
			env := &Env{HTTP: server.Client(), Now: time.Now}
			_, err = env.Do(t.Context(), r)
			if err == nil || !strings.Contains(err.Error(), "hop 2: POST") {
				t.Fatalf("%v does not name the hop", err)
			}
			for _, secret := range []Secret{pw, hop} {
				if found := NewRedactor(secret).Find([]byte(err.Error())); len(found) > 0 {
					t.Errorf("%v shows a secret", err)
				}
			}
		})
	}
}

// TestAskMetadataWithoutProxy fails if a proxy is told what only this machine's metadata server may know.
func TestAskMetadataWithoutProxy(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "metadata")
	}))
	defer server.Close()
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	env := &Env{Now: time.Now, HTTP: &http.Client{Transport: &http.Transport{
		Proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New("a proxy was asked for") }}}}
	got, err := env.AskMetadata(t.Context(), Request{Op: "ask", Method: http.MethodGet, URL: at})
	if err != nil || string(got) != "metadata" {
		t.Errorf("%q, %v", got, err)
	}
}
