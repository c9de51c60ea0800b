package regpass

import (
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// Match is a secret found where none may be. It does not show the secret.
type Match struct {
	Fingerprint string // of the secret
	Form        string // which of its derived forms: "plain", "URL-encoded", "hex", "quoted" or "base64"
}

// Find lists the secrets in text, each once in each form. As with Search, line breaks do not hide a secret.
func (r *Redactor) Find(text []byte) []Match {
	var all []Match
	r.m.Load().matches(text, true, func(start, end int) {
		if m := r.identify(withoutBreaks(string(text[start:end]))); !slices.Contains(all, m) {
			all = append(all, m)
		}
	})
	return all
}

// Search returns a writer that calls found for every secret in the text written to it, within Write and Flush, in the
// order of the text and as often as the secret stands there. Line breaks do not hide a secret: base64 breaks its lines
// after 76 characters, xxd -p after 60. It is for one goroutine, and keeps at most the last write and the longest form.
func (r *Redactor) Search(found func(Match)) *Search {
	return &Search{set: r, found: found, seen: map[string]Match{}}
}

// Search is made by Redactor.Search.
type Search struct {
	set   *Redactor
	found func(Match)
	seen  map[string]Match
	text  []byte // text that is not searched to its end yet
}

// Write searches the text so far, of which p is the next part. It takes all of p and does not fail.
func (s *Search) Write(p []byte) (int, error) {
	s.text = append(s.text, p...)
	s.search(false)
	return len(p), nil
}

// Flush ends the text. The next Write begins another one.
func (s *Search) Flush() error {
	s.search(true)
	return nil
}

func (s *Search) search(last bool) {
	keep, _ := s.set.m.Load().matches(s.text, last, func(start, end int) {
		match := s.text[start:end]
		m, ok := s.seen[string(match)]
		if !ok {
			m = s.set.identify(withoutBreaks(string(match)))
			s.seen[string(match)] = m
		}
		s.found(m)
	})
	s.text = append(s.text[:0], s.text[keep:]...)
}

// identify finds the secret that text is a form of.
func (r *Redactor) identify(text string) Match {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.secrets, func(s Secret) bool { return slices.Contains(forms(s), text) })
	return Match{r.secrets[i].Fingerprint(), form(r.secrets[i].Reveal(), text)}
}

// form names the form of value that text is.
func form(value, text string) string {
	path, _ := url.PathUnescape(text)
	query, _ := url.QueryUnescape(text)
	switch {
	case text == withoutBreaks(value):
		return "plain"
	case path == value, query == value:
		return "URL-encoded"
	case strings.EqualFold(text, hex.EncodeToString([]byte(value))):
		return "hex"
	case strings.Contains(text, `\`):
		return "quoted"
	}
	return "base64"
}
