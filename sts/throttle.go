package sts

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// errAskedJustNow refuses a request whose response cannot have changed yet.
var errAskedJustNow = errors.New("the issuer's keys were fetched a moment ago")

// throttle lets one request for keys through per issuerPause: a key set asks again for every unknown signature, so
// forged tokens would become traffic at the issuer. Its error is errIssuerAway if the last request failed.
type throttle struct {
	next http.RoundTripper
	now  func() time.Time

	mu    sync.Mutex
	asked time.Time
	good  bool // the last request succeeded
}

func (t *throttle) RoundTrip(r *http.Request) (*http.Response, error) {
	t.mu.Lock()
	now := t.now()
	soon, good := now.Before(t.asked.Add(issuerPause)), t.good
	if !soon {
		t.asked = now
	}
	t.mu.Unlock()
	if soon && good {
		return nil, errAskedJustNow
	}
	if soon {
		return nil, fmt.Errorf("%w: it failed less than %s ago", errIssuerAway, issuerPause)
	}
	res, err := t.next.RoundTrip(r)
	if err == nil && res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		err = fmt.Errorf("status %d", res.StatusCode)
	}
	t.mu.Lock()
	t.good = err == nil
	t.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errIssuerAway, err)
	}
	return res, nil
}

// capped is a transport that fails on responses longer than max bytes.
type capped struct {
	next http.RoundTripper // nil: http.DefaultTransport
	max  int64
}

func (t capped) RoundTrip(r *http.Request) (*http.Response, error) {
	next := t.next
	if next == nil {
		next = http.DefaultTransport
	}
	res, err := next.RoundTrip(r)
	if err == nil {
		res.Body = &limited{res.Body, t.max}
	}
	return res, err
}

// limited is a body that fails after left bytes, where io.LimitReader would report its end.
type limited struct {
	io.ReadCloser
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errors.New("the response is too long")
	}
	return n, err
}
