package regpass

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"
)

// HTTPError is an answer whose status is not 2xx.
type HTTPError struct {
	Op, Method, URL string
	Status          int
	Message         string        // of the server, unquoted, at most 300 bytes, without the secrets of the request
	RetryAfter      time.Duration // the wait that the server asks for, or zero
	Header          http.Header   // of the answer, as the server sent it
}

// Error names the operation, the request and the status, and quotes the server's message.
func (e *HTTPError) Error() string {
	s := fmt.Sprintf("%s: %s %s: %d %s", e.Op, e.Method, e.URL, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		s += ": " + Quote(e.Message)
	}
	return s
}

// Is makes it an ErrRefused if a second try with the same proof would be refused again: a 4xx that speaks neither of
// time nor of load.
func (e *HTTPError) Is(target error) bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return target == ErrRefused && e.Status/100 == 4
}

// quotedError is an error whose text may hold text of a server that has not proved who it is: the names in its
// certificate, which may hold line ends, or a proxy's status line.
type quotedError struct{ error }

func (e quotedError) Error() string { return quoteIfNeeded(e.error.Error()) }
func (e quotedError) Unwrap() error { return e.error }

// maxMessage is how much of an error's body is read, in bytes: a short one can stand for many errors.
const maxMessage = 64 << 10

// serverMessage finds the message in the body of an error: title and detail of RFC 9457, or the fields that registries
// use, or else all of it.
func serverMessage(body []byte) string {
	var p struct {
		Title, Detail, Message, Description string
		Error                               json.RawMessage
		OAuth                               string `json:"error_description"`
		AWS                                 string `json:"__type"`
		Errors                              []struct{ Code, Detail, Description, Message string }
	}
	body = body[:min(maxMessage, len(body))]
	if json.Unmarshal(body, &p) != nil {
		return xmlMessage(body)
	}
	text := ""
	if json.Unmarshal(p.Error, &text) != nil { // Google: {"error":{"code":403,"status":"…","message":"…"}}
		var inner struct{ Status, Message string }
		_ = json.Unmarshal(p.Error, &inner)
		text = strings.Join(nonEmpty([]string{inner.Status, inner.Message}), ": ")
	}
	parts := []string{p.AWS, p.Title, p.Detail, p.Message, text, p.OAuth, p.Description}
	for _, e := range p.Errors {
		parts = append(parts, e.Code, e.Detail, e.Description, e.Message)
	}
	parts = nonEmpty(parts)
	if len(parts) == 0 {
		return string(body)
	}
	return strings.Join(parts, ": ")
}

// xmlError finds code and message in an error of AWS
// (https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html).
var xmlError = Pattern(`(?s)<Error>.{0,999}?<Code>([^<]{1,200})</Code>\s*<Message>([^<]{0,1000})</Message>`)

// xmlMessage is code and message of an XML error, or else all of body. It needs no parser: what it finds is only shown.
func xmlMessage(body []byte) string {
	if m := xmlError().FindSubmatch(body); m != nil {
		return html.UnescapeString(string(m[1]) + ": " + string(m[2]))
	}
	return string(body)
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

// scrub removes the secrets of r, which the server may have echoed, from its message, and cuts the message short.
func scrub(message string, r Request) string {
	message = string(NewRedactor(r.secrets()...).Redact([]byte(message)))
	if len(message) > maxQuote {
		message = message[:maxQuote]
	}
	return strings.TrimSpace(message)
}
