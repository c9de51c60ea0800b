package sts

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/regpass/regpass"
)

// statusWriter remembers the status for the audit.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (a *statusWriter) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *statusWriter) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(p)
}

// ReadFrom keeps sendfile: the operating system copies files to the network by itself.
func (a *statusWriter) ReadFrom(r io.Reader) (int64, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return io.Copy(a.ResponseWriter, r)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *statusWriter) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// json answers with v, which may hold a token, so the response must not be cached.
func (c *call) json(v map[string]any) error {
	for k, x := range v {
		if s, ok := x.(regpass.Secret); ok {
			v[k] = s.Reveal()
		}
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Header().Set("Cache-Control", "no-store")
	return c.sent(json.NewEncoder(c.w).Encode(v))
}

// sent records that a response did not reach the client. It returns nil: it is too late for another response.
func (c *call) sent(err error) error {
	if err != nil {
		c.reason = "the client disconnected"
	}
	return nil
}

// body decodes a JSON body of at most max bytes. It does not require a Content-Type because uv sends none.
func (c *call) body(max int64, v any) error {
	if c.r.ContentLength > max {
		return tooLarge.with("the body is longer than %d bytes", max)
	}
	text, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, max))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return tooLarge.with("the body is longer than %d bytes", max)
	case err != nil:
		return badRequest.with("the body is incomplete")
	case json.Unmarshal(text, v) != nil:
		return badRequest.with("the body is not the expected JSON")
	}
	return nil
}

// fileTimeout bounds the transfer of a file in either direction.
const fileTimeout = time.Hour

// extendDeadlines replaces the short deadlines of other requests by fileTimeout. Connections go by the machine's clock,
// so this does not use c.now.
func (c *call) extendDeadlines() {
	rc := http.NewResponseController(c.w)
	_ = rc.SetReadDeadline(time.Now().Add(fileTimeout)) // a recorder in a test has no connection
	_ = rc.SetWriteDeadline(time.Now().Add(fileTimeout))
}

// public answers with v, which holds nothing secret.
func (c *call) public(v map[string]any) error {
	c.w.Header().Set("Content-Type", "application/json")
	return c.sent(json.NewEncoder(c.w).Encode(v))
}
