package regpass

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretNeverPrints(t *testing.T) {
	const value = "tok-Zq7Zq7Zq7"
	s := NewSecret(value)
	type holder struct {
		Shown  Secret
		To     *Secret
		List   []Secret
		ByName map[string]Secret
		Any    any
		hidden Secret
	}
	inside := holder{s, &s, []Secret{s}, map[string]Secret{"a": s}, s, s}

	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T", "%100v", "%.3s"} {
		for name, v := range map[string]any{
			"value": s, "pointer": &s, "struct": inside, "struct pointer": &inside,
			"slice": []Secret{s}, "array": [1]Secret{s},
		} {
			printed[verb+" of "+name] = fmt.Sprintf(verb, v)
		}
	}
	for name, err := range map[string]error{
		"fmt.Errorf":  fmt.Errorf("token %v: %s", s, s),
		"errors.Join": errors.Join(fmt.Errorf("%q", s)),
		"Hintf":       Hintf(errors.New("x"), "%v", s),
	} {
		printed[name] = fmt.Sprintf("%v %+v %#v %v", err, err, err, Hints(err))
	}
	for name, v := range map[string]any{"value": s, "pointer": &s, "struct": inside} {
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		printed["JSON of "+name] = string(j)
	}
	x, err := xml.Marshal([]Secret{s})
	if err != nil {
		t.Fatal(err)
	}
	printed["XML"] = string(x)
	for name, h := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(h(&b)).Info("x", "value", s, "pointer", &s, "struct", inside, "slice", []Secret{s})
		printed[name] = b.String()
	}

	forms := Derived(s)
	for what, text := range printed {
		for _, form := range forms {
			if strings.Contains(text, form) {
				t.Errorf("%s shows the value: %s", what, text)
			}
		}
	}
	for _, what := range []string{"%v of value", "%#v of value", "%x of value", "%q of pointer"} {
		if printed[what] != "[secret]" {
			t.Errorf("%s is %q", what, printed[what])
		}
	}
	if s.Reveal() != value || s.Empty() {
		t.Errorf("Reveal returns %q", s.Reveal())
	}
}

func TestEmptySecret(t *testing.T) {
	for name, s := range map[string]Secret{"zero": {}, "of nothing": NewSecret("")} {
		if !s.Empty() || s.Reveal() != "" || s.String() != "[secret]" {
			t.Errorf("%s: empty %v, reveals %q, prints %s", name, s.Empty(), s.Reveal(), s)
		}
	}
}

func TestFingerprint(t *testing.T) {
	// printf tok | sha256sum
	if got := NewSecret("tok").Fingerprint(); got != "1a7674eb4ee78df7" {
		t.Errorf("the fingerprint is %s", got)
	}
	if NewSecret("a").Fingerprint() == NewSecret("b").Fingerprint() {
		t.Error("two secrets have one fingerprint")
	}
}

// parsing is one row of the tables below; a refused value has Zq7 in it, which its error must not have.
type parsing struct{ name, raw, want, err string }

func (c parsing) check(t *testing.T, parse func(string) (Secret, error)) {
	got, err := parse(c.raw)
	if got.Reveal() != c.want {
		t.Errorf("got %q", got.Reveal())
	}
	if c.err == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "Zq7") {
		t.Errorf("the error is %v", err)
	}
}

func TestParseToken(t *testing.T) {
	for _, c := range []parsing{
		{"as it is", "pyx_abc", "pyx_abc", ""},
		{"line end", " pyx_abc\r\n", "pyx_abc", ""},
		{"all of printable ASCII", "!~a.b-c_d/e+f=", "!~a.b-c_d/e+f=", ""},
		{"longest", strings.Repeat("a", MaxToken), strings.Repeat("a", MaxToken), ""},
		{"too long", strings.Repeat("a", MaxToken+1), "", "65537 bytes"},
		{"empty", "", "", "is empty"},
		{"white space", " \n\t", "", "is empty"},
		{"space inside", "Zq7 abc", "", "0x20 at position 3"},
		{"line end inside", "Zq7Zq\nX-Evil: 1", "", "0x0a at position 5"},
		{"NUL", "Zq7Zq\x00", "", "0x00 at position 5"},
		{"DEL", "Zq7Zq\x7f", "", "0x7f at position 5"},
		{"outside ASCII", "Zq7Zqé", "", "0xc3 at position 5"},
		{"byte order mark", "\ufeffZq7Zq", "", "0xef at position 0"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, ParseToken) })
	}
}

func TestParsePassword(t *testing.T) {
	for _, c := range []parsing{
		{"as it is", " pass wörd 密 ", " pass wörd 密 ", ""},
		{"one line end", "a\r\n", "a", ""},
		{"longest", strings.Repeat("a", MaxToken), strings.Repeat("a", MaxToken), ""},
		{"too long", strings.Repeat("a", MaxToken+1), "", "65537 bytes"},
		{"empty", "", "", "is empty"},
		{"only a line end", "\n", "", "is empty"},
		{"two line ends", "Zq7\n\n", "", "line break"},
		{"line end inside", "Zq7\nmachine evil", "", "line break"},
		{"tab", "Zq7\ta", "", "control character"},
		{"NUL", "Zq7\x00", "", "control character"},
		{"invisible", "Zq7\u200b", "", "control character"},
		{"right to left", "Zq7\u202e", "", "control character"},
		{"line separator", "Zq7\u2028", "", "line break"},
		{"not UTF-8", "Zq7\xff", "", "not UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, ParsePassword) })
	}
}
