package regpass

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
)

// Request is one request to a server. Its secrets are revealed only while it is written. At most one of Bearer, Basic
// and Sign is set, and at most one of JSON and Form.
type Request struct {
	Op     string // the operation, for errors: "pyx: exchange the API key"
	Method string
	URL    *url.URL
	Bearer Secret            // sent as Authorization: Bearer
	Basic  Login             // sent as Authorization: Basic (RFC 7617)
	Header http.Header       // further headers, none of them secret
	Keys   map[string]Secret // further headers whose values are secret, such as X-Vault-Token
	JSON   map[string]any    // body; a Secret in it is sent as its value
	Form   map[string]any    // body as application/x-www-form-urlencoded; values are strings and Secrets
	Sign   Signer            // signs the whole request last, as AWS Signature Version 4 does
	Scrub  []Secret          // further secrets that an error must not repeat, such as those of an earlier request
	// LinkLocal says that the URL may be http to a link-local address (RFC 3927): a cloud's metadata server.
	LinkLocal bool
}

// Login is a user name and a password.
type Login struct {
	Username string
	Password Secret
}

// Signer adds headers to a request that is otherwise complete. body is the body that the request will send.
type Signer interface {
	Sign(r *http.Request, body []byte) error
}

// String is the operation, the method and the URL, for errors.
func (r Request) String() string { return fmt.Sprintf("%s: %s %s", r.Op, r.Method, r.URL.Redacted()) }

// secrets are all secrets that an answer could echo.
func (r Request) secrets() []Secret {
	all := append([]Secret{r.Bearer, r.Basic.Password}, r.Scrub...)
	for _, s := range r.Keys {
		all = append(all, s)
	}
	for _, body := range []map[string]any{r.JSON, r.Form} {
		for _, v := range body {
			if s, ok := v.(Secret); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

// body returns the bytes to send and their media type; nil and "" for a request without a body.
func (r Request) body() (content []byte, mediaType string, err error) {
	switch {
	case r.JSON != nil:
		content, err = json.Marshal(revealed(r.JSON))
		return content, "application/json", err
	case r.Form != nil:
		form := url.Values{}
		for name, v := range revealed(r.Form) {
			form.Set(name, fmt.Sprint(v))
		}
		return []byte(form.Encode()), "application/x-www-form-urlencoded", nil
	}
	return nil, "", nil
}

// write makes the HTTP request.
func (r Request) write(ctx context.Context) (*http.Request, error) {
	content, mediaType, err := r.body()
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if content != nil {
		body = bytes.NewReader(content)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL.String(), body)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, r.Header)
	req.Header.Set("User-Agent", "regpass")
	if mediaType != "" && req.Header.Get("Content-Type") == "" { // some services have a media type of their own
		req.Header.Set("Content-Type", mediaType)
	}
	for name, value := range r.Keys {
		req.Header.Set(name, value.Reveal())
	}
	if !r.Bearer.Empty() {
		req.Header.Set("Authorization", "Bearer "+r.Bearer.Reveal())
	}
	if !r.Basic.Password.Empty() {
		req.SetBasicAuth(r.Basic.Username, r.Basic.Password.Reveal())
	}
	if r.Sign != nil {
		err = r.Sign.Sign(req, content)
	}
	return req, err
}

// revealed copies a body, with its secrets as strings.
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
