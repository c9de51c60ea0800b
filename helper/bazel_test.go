package helper

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/internal/testenv"
)

// TestBazel has the cases of uv's own tests of `uv auth helper`: crates/uv/tests/it/auth.rs, bazel_helper_*.
func TestBazel(t *testing.T) {
	until := given(t, "https://until.test/simple", regpass.Bearer, "__token__", "t0ken")
	until.Cred.Expires = time.Date(2027, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
	entries := []envsync.Entry{
		given(t, "https://h.test/simple", regpass.Basic, "test-user", "test-password"),
		given(t, "https://nobody.test/simple", regpass.Basic, "", "key"),
		until,
	}
	for _, tt := range []struct{ name, stdin, want string }{
		{"a user and a password", `{"uri":"https://h.test/path"}`,
			`{"headers":{"Authorization":["Basic dGVzdC11c2VyOnRlc3QtcGFzc3dvcmQ="]}}`},
		{"a password alone", `{"uri":"https://nobody.test/path"}`, `{"headers":{"Authorization":["Basic OmtleQ=="]}}`},
		{"a token that ends", `{"uri":"https://until.test/path"}`,
			`{"headers":{"Authorization":["Bearer t0ken"]},"expires":"2027-01-02T02:04:05Z"}`},
		{"another host", `{"uri":"https://example.com/path"}`, `{"headers":{}}`},
		{"another port", `{"uri":"https://h.test:8443/path"}`, `{"headers":{}}`},
		{"the user of the URI", `{"uri":"https://test-user@h.test/path"}`,
			`{"headers":{"Authorization":["Basic dGVzdC11c2VyOnRlc3QtcGFzc3dvcmQ="]}}`},
		{"another user in the URI", `{"uri":"https://other@h.test/path"}`, `{"headers":{}}`},
		{"a relative URI", `{"uri":"/path"}`, `{"headers":{}}`},
		{"more keys, as bazel may send", "{\"uri\":\"https://example.com/\",\"other\":{\"a\":[1]}}\n", `{"headers":{}}`},
		{"keys in another case", `{"URI":"https://example.com/"}`, `{"headers":{}}`},
	} {
		got, err := run(bazel, entries, tt.stdin, "get")
		if err != nil || got != tt.want+"\n" || !json.Valid([]byte(got)) {
			t.Errorf("%s: %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
	for _, tt := range []struct{ name, stdin, want string }{
		{"nothing", "", "not JSON with a uri"},
		{"no uri", `{"url":"https://h.test/"}`, "not JSON with a uri"},
		{"an empty object", `{}`, "not JSON with a uri"},
		{"garbage", "not json", "not JSON with a uri"},
		{"a list", `["https://h.test/"]`, "not JSON with a uri"},
		{"two objects", `{"uri":"https://h.test/"}{"uri":"https://h.test/"}`, "not JSON with a uri"},
		{"a long one", `{"uri":"https://h.test/` + strings.Repeat("a", 1<<20) + `"}`, "longer than 65536 bytes"},
	} {
		got, err := run(bazel, entries, tt.stdin, "get")
		if got != "" {
			t.Errorf("%s: %q", tt.name, got)
		}
		testenv.WantError(t, err, "test-password", tt.want)
	}
	for _, args := range []string{"", "set", "get get"} {
		_, err := run(bazel, entries, `{"uri":"https://h.test/"}`, strings.Fields(args)...)
		if !errors.Is(err, regpass.ErrUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
