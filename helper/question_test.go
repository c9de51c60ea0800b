package helper

import (
	"errors"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/internal/testenv"
)

func TestAsk(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Question
	}{
		{"https://h.test/a/b", Question{Host: "h.test", Path: "/a/b"}},
		{"https://H.TEST:443/a", Question{Host: "h.test", Path: "/a"}},
		{"https://h.test:8443", Question{Host: "h.test:8443"}},
		{"https://u:p@h.test/?q#f", Question{Host: "h.test", Path: "/", User: "u"}},
		{"h.test", Question{Host: "h.test", any: true}},
		{"h.test/", Question{Host: "h.test", any: true}},
		{"h.test:443", Question{Host: "h.test", any: true}},
		{"h.test:5000/a/b", Question{Host: "h.test:5000", Path: "/a/b", any: true}},
		{"http://127.0.0.1:8811/a", Question{Host: "127.0.0.1:8811", Path: "/a"}},
		{"https://[::1]:8443/a", Question{Host: "[::1]:8443", Path: "/a"}},
	} {
		got, err := Ask(tt.text)
		if err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v, want %+v", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "/", "http://h.test/", "s3://bucket", "ssh://h.test/", "https:h.test",
		"https://h.test.", "https://h_t\u00e9st/", "https://h.test:port/", "a b", "\x00"} {
		if got, err := Ask(text); !errors.Is(err, ErrNone) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// TestAskHost: git decodes a URL before it names the host, so that of https://ours%2f.theirs holds a slash.
func TestAskHost(t *testing.T) {
	if q, err := askHost("https://", "ours.test:8443", "/a"); err != nil || q.Host != "ours.test:8443" || q.Path != "/a" {
		t.Errorf("a host: %+v, %v", q, err)
	}
	for _, host := range []string{"", "ours.test/.theirs.test", "ours.test?.theirs.test", "ours.test#.theirs.test",
		"theirs.test@ours.test", `ours.test\.theirs.test`, "ours.test%2f.theirs.test", "ours.test .theirs.test",
		"ours.test\t", "ours.test\r"} {
		if q, err := askHost("https://", host, "/a"); !errors.Is(err, ErrNone) {
			t.Errorf("%q: %+v, %v", host, q, err)
		}
	}
}

// FuzzAsk holds that a question is for a host that is plainly in its text: what a client sends the answer to.
func FuzzAsk(f *testing.F) {
	for _, seed := range []string{"https://h.test/a", "u@h.test:80", "https://h.test\\@evil.test/", "[::1]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Ask(text)
		if err != nil {
			if !errors.Is(err, ErrNone) || q != (Question{}) {
				t.Errorf("%q: %+v, %v", text, q, err)
			}
			return
		}
		host := strings.Trim(q.Host, "[]")
		if q.Host == "" || strings.ContainsAny(q.Host, "/@\\?# ") || !strings.Contains(strings.ToLower(text), host) {
			t.Errorf("%q is taken for %q", text, q.Host)
		}
	})
}

func TestMatch(t *testing.T) {
	one := given(t, "https://h.test/one", regpass.Basic, "u", "1")
	two := given(t, "https://h.test/two", regpass.Basic, "v", "2")
	deep := given(t, "https://h.test/one/deep", regpass.Bearer, "", "3")
	plain := given(t, "http://127.0.0.1/x", regpass.Basic, "u", "4")
	again := given(t, "https://h.test/again", regpass.Basic, "u", "1")
	for _, tt := range []struct {
		entries []envsync.Entry
		ask     string
		user    string
		want    string // the secret, or a part of the error
	}{
		{[]envsync.Entry{one, two}, "https://h.test/one/pkg/", "", "1"},
		{[]envsync.Entry{one, two}, "https://h.test/two", "", "2"},
		{[]envsync.Entry{one, two, deep}, "https://h.test/one/deep/er", "", "3"},
		{[]envsync.Entry{one, two, deep}, "https://h.test/one/deeper", "", "1"},
		{[]envsync.Entry{one, two}, "h.test", "", "two credentials"},
		{[]envsync.Entry{one, two}, "h.test", "v", "2"},
		{[]envsync.Entry{one, two}, "h.test", "w", "no credential"},
		{[]envsync.Entry{one, deep}, "h.test", "w", "3"}, // a token tells its user itself
		{[]envsync.Entry{one, again}, "h.test", "", "1"},
		{[]envsync.Entry{one}, "https://h.test/else", "", "1"},
		{[]envsync.Entry{one}, "https://else.test/one", "", "no credential"},
		{[]envsync.Entry{plain}, "127.0.0.1", "", "4"},
		{[]envsync.Entry{plain}, "127.0.0.1:80", "", "4"},
		{[]envsync.Entry{plain}, "http://127.0.0.1", "", "4"},
		{nil, "https://h.test/", "", "no credential"},
	} {
		q, err := Ask(tt.ask)
		if err != nil {
			t.Fatal(err)
		}
		q.User = tt.user
		e, err := Match(tt.entries, q)
		if err != nil {
			testenv.WantError(t, err, "", tt.want)
		} else if e.Cred.Secret.Reveal() != tt.want {
			t.Errorf("%s for %q: %s, want %s", tt.ask, tt.user, e.Cred.Secret.Reveal(), tt.want)
		}
	}
}
