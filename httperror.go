package regpass

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// HTTPError is an answer that is not 2xx.
type HTTPError struct {
	Op, Method, URL string
	Status          int
	Message         string        // what the server said, unquoted, at most 300 bytes, our own secrets removed
	RetryAfter      time.Duration // what the server asked for, or zero
}

// Error names the operation, the request and the status, and quotes the server's message.
func (e *HTTPError) Error() string {
	s := fmt.Sprintf("%s: %s %s: %d %s", e.Op, e.Method, e.URL, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		s += ": " + Quote(e.Message)
	}
	return s
}

// foreign is an error whose text may hold what the other side sent before it had to prove who it is: the names in its
// certificate, which may hold line ends, or a proxy's status line.
type foreign struct{ error }

func (f foreign) Error() string { return harmless(f.error.Error()) }
func (f foreign) Unwrap() error { return f.error }

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
	said = string(NewRedactor(r.secrets()...).Redact([]byte(said)))
	if len(said) > maxQuote {
		said = said[:maxQuote]
	}
	return strings.TrimSpace(said)
}
