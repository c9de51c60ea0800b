package regpass

import (
	"bytes"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// Match says that a secret stands where none may, without showing it.
type Match struct {
	Fingerprint string // of the secret
	Form        string // which of its derived forms: "plain", "URL-encoded", "hex", "quoted" or "base64"
}

// Find lists what stands in text, each secret once in each form. As with Search, line breaks do not hide a secret.
func (r *Redactor) Find(text []byte) []Match {
	if bytes.ContainsAny(text, "\r\n") {
		text = slices.DeleteFunc(bytes.Clone(text), func(c byte) bool { return c == '\r' || c == '\n' })
	}
	var all []Match
	r.m.Load().matches(text, true, func(start, end int) {
		if f := r.name(string(text[start:end])); !slices.Contains(all, f) {
			all = append(all, f)
		}
	})
	return all
}

// Search returns a writer that calls found for every secret in what is written to it, in the order of the text and as
// often as it is there, within Write and Flush. Line breaks do not hide a secret: base64 breaks its lines after 76
// characters, xxd -p after 60. It is for one goroutine and keeps no more than the last write and the longest form.
func (r *Redactor) Search(found func(Match)) *Search {
	return &Search{set: r, found: found, seen: map[string]Match{}}
}

// Search is made by Redactor.Search.
type Search struct {
	set   *Redactor
	found func(Match)
	seen  map[string]Match
	text  []byte // what is not searched to its end yet
}

// Write searches the text that p goes on with. It takes all of p and does not fail.
func (s *Search) Write(p []byte) (int, error) {
	s.text = slices.Grow(s.text, len(p))
	for line := range bytes.SplitSeq(p, []byte{'\n'}) {
		for part := range bytes.SplitSeq(line, []byte{'\r'}) {
			s.text = append(s.text, part...)
		}
	}
	s.search(false)
	return len(p), nil
}

// Flush ends the text. What is written from then on is another one.
func (s *Search) Flush() error {
	s.search(true)
	return nil
}

func (s *Search) search(last bool) {
	rest := s.set.m.Load().matches(s.text, last, func(start, end int) {
		match := s.text[start:end]
		f, ok := s.seen[string(match)]
		if !ok {
			f = s.set.name(string(match))
			s.seen[string(match)] = f
		}
		s.found(f)
	})
	s.text = append(s.text[:0], s.text[rest:]...)
}

// name finds out whose form match is.
func (r *Redactor) name(match string) Match {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.secrets, func(s Secret) bool { return slices.Contains(Derived(s), match) })
	return Match{r.secrets[i].Fingerprint(), form(r.secrets[i].Reveal(), match)}
}

// form names the derived form of value that match is.
func form(value, match string) string {
	path, _ := url.PathUnescape(match)
	query, _ := url.QueryUnescape(match)
	switch {
	case match == value:
		return "plain"
	case path == value, query == value:
		return "URL-encoded"
	case strings.EqualFold(match, hex.EncodeToString([]byte(value))):
		return "hex"
	case strings.Contains(match, `\`):
		return "quoted"
	}
	return "base64"
}
