package regpass

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func TestFindNamesSecretAndForm(t *testing.T) {
	const value = `tok"a/b+c?d`
	other, s := NewSecret("another-secret"), NewSecret(value)
	r := NewRedactor(other, s)
	for text, form := range map[string]string{
		value:                                   "plain",
		url.QueryEscape(value):                  "URL-encoded",
		url.PathEscape(value):                   "URL-encoded",
		fmt.Sprintf("%x", value):                "hex",
		fmt.Sprintf("%X", value):                "hex",
		strings.Trim(strconv.Quote(value), `"`): "quoted",
		base64.StdEncoding.EncodeToString([]byte("user:" + value)): "base64",
		base64.RawURLEncoding.EncodeToString([]byte(value)):        "base64",
	} {
		want := []Match{{s.Fingerprint(), form}}
		if got := r.Find([]byte("<" + text + "> <" + text + ">")); !slices.Equal(got, want) {
			t.Errorf("%s: found %v", text, got)
		}
		if got := searchBytewise(t, r, text); !slices.Equal(got, want) {
			t.Errorf("%s byte by byte: found %v", text, got)
		}
	}
	if got := r.Find([]byte("another-secre")); got != nil {
		t.Errorf("found %v", got)
	}
}

func TestSearchAcrossLineBreaks(t *testing.T) {
	s := NewSecret(strings.Repeat("0123456789abcdef", 20))
	r := NewRedactor(s)
	for _, lineEnd := range []string{"\n", "\r\n"} {
		for name, text := range map[string]string{
			"base64": base64.StdEncoding.EncodeToString([]byte("u:" + s.Reveal())),
			"hex":    fmt.Sprintf("%x", s.Reveal()),
			"plain":  s.Reveal(),
		} {
			var wrapped strings.Builder
			for line := range slices.Chunk([]byte(text), 60) {
				wrapped.WriteString(string(line) + lineEnd)
			}
			want := []Match{{s.Fingerprint(), name}}
			if got := r.Find([]byte(wrapped.String())); !slices.Equal(got, want) {
				t.Errorf("%s in lines of one text: found %v", name, got)
			}
			var got []Match
			w := r.Search(func(f Match) { got = append(got, f) })
			if _, err := io.WriteString(w, wrapped.String()); err != nil || w.Flush() != nil || !slices.Equal(got, want) {
				t.Errorf("%s in lines: found %v, %v", name, got, err)
			}
			if !slices.Equal(searchBytewise(t, r, wrapped.String()), want) {
				t.Errorf("%s in lines, byte by byte: not found", name)
			}
		}
	}
}

func TestFlushEndsTheText(t *testing.T) {
	r := NewRedactor(NewSecret("some-secret"))
	w := r.Search(func(f Match) { t.Errorf("found %v", f) })
	for _, half := range []string{"some-", "secret"} {
		if _, err := io.WriteString(w, half); err != nil || w.Flush() != nil {
			t.Fatal(err)
		}
	}
}

func TestSearchWhileSecretsAreAdded(t *testing.T) {
	r := NewRedactor()
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			s := NewSecret(fmt.Sprintf("secret-number-%d", i))
			r.Add(s)
			if got := searchBytewise(t, r, "a "+s.Reveal()+" b"); !slices.Equal(got, []Match{{s.Fingerprint(), "plain"}}) {
				t.Errorf("found %v", got)
			}
		})
	}
	group.Wait()
}

func searchBytewise(t *testing.T, r *Redactor, text string) []Match {
	t.Helper()
	var got []Match
	w := r.Search(func(f Match) { got = append(got, f) })
	for i := range len(text) {
		if _, err := w.Write([]byte{text[i]}); err != nil {
			t.Error(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Error(err)
	}
	return got
}

func BenchmarkSearch(b *testing.B) {
	r := NewRedactor(NewSecret(strings.Repeat("0123456789abcdef", 40)))
	text := []byte(strings.Repeat(strings.Repeat("x", 79)+"\n", 400))
	w := r.Search(func(Match) {})
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		_, _ = w.Write(text)
	}
}
