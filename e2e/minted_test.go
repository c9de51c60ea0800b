package e2e

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync"

	"github.com/regpass/regpass"
)

// minted are all tokens that a service gave out. It may be used by several goroutines.
type minted struct {
	known *regpass.Redactor

	mu     sync.Mutex // guards tokens
	tokens []regpass.Secret
}

// all are the tokens up to now.
func (m *minted) all() []regpass.Secret {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.tokens)
}

func newMinted() *minted { return &minted{known: regpass.NewRedactor()} }

// tokenAnswer matches the JSON members in which the service gives out tokens.
var tokenAnswer = regexp.MustCompile(`"(?:access_token|refresh_token|token)": ?"([^"]+)"`)

// remember is h, with all tokens in its answers known before anybody gets them.
func (m *minted) remember(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		for _, match := range tokenAnswer.FindAllStringSubmatch(answer.Body.String(), -1) {
			m.known.Add(regpass.NewSecret(match[1]))
			m.mu.Lock()
			m.tokens = append(m.tokens, regpass.NewSecret(match[1]))
			m.mu.Unlock()
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}
