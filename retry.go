package regpass

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Retry tries at most maxTries times. In between it waits for a random part of firstWait, doubled each time, up to
// maxWait ("full jitter", https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
const (
	maxTries  = 5
	firstWait = 200 * time.Millisecond
	maxWait   = 5 * time.Second
)

// Hints for the time limit of ctx.
const (
	timeLimitHint = "no success within the time limit; raise it with --timeout"
	longWaitHint  = "the server asks to wait %s, longer than the time limit allows; raise it with --timeout"
)

// Retry calls try until it succeeds, it fails in a way that a second try cannot mend, or ctx ends. If try can make its
// proof anew, it should.
func (e *Env) Retry(ctx context.Context, try func(context.Context) error) error {
	var last error
	for n := range maxTries {
		err := try(ctx)
		switch {
		case err == nil:
			return nil
		case last != nil && ctx.Err() != nil:
			// Cut short: the error of the try before tells more.
		case last != nil && !transient(err):
			return fmt.Errorf("%w (tried again after: %v)", err, last)
		default:
			last = err
		}
		if !transient(last) || ctx.Err() != nil || n == maxTries-1 {
			break
		}
		wait, hint := rand.N(min(firstWait<<n, maxWait)), timeLimitHint
		var he *HTTPError
		if errors.As(last, &he) && he.RetryAfter > 0 {
			wait = he.RetryAfter
			hint = fmt.Sprintf(longWaitHint, wait.Round(time.Second))
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) <= wait {
			return Hintf(last, "%s", hint)
		}
		if err := e.Wait(ctx, wait); err != nil {
			break
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Hintf(last, "%s", timeLimitHint)
	}
	return last
}

// again is a refusal that a second try can mend, although its status says otherwise.
type again struct{ error }

func (a again) Unwrap() error { return a.error }

// TryAgain marks a refusal that a server gives a status of its own: a throttled request of AWS is a 400.
func TryAgain(err error) error { return again{err} }

// transient reports whether a second try can succeed: connection errors and time-outs, 408, 425, 429 and 5xx, and what
// TryAgain marks.
func transient(err error) bool {
	if errors.As(err, &again{}) {
		return true
	}
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

// retryAfter reads a Retry-After header: seconds or a date (RFC 9110, section 10.2.3). It is zero if there is no wait.
func retryAfter(v string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return time.Duration(min(n, 86400)) * time.Second // a day; a larger number could overflow
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}
