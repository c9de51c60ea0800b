package helper

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/internal/testenv"
)

// given is an entry for a REGISTRY as one writes it.
func given(tb testing.TB, ref string, kind regpass.Kind, username, secret string) envsync.Entry {
	tb.Helper()
	r, c := testenv.Credential(tb, ref, kind, username, secret)
	return envsync.Entry{Ref: r, Cred: c}
}

// run runs a protocol once, with the entries as all that there is. It returns what the client reads.
func run(p Protocol, entries []envsync.Entry, stdin string, args ...string) (stdout string, err error) {
	var out strings.Builder
	err = p.Answer(context.Background(), &Call{Args: args, Stdin: strings.NewReader(stdin), Stdout: &out,
		Find: func(_ context.Context, q Question) (regpass.Credential, error) {
			e, err := Match(entries, q)
			return e.Cred, err
		}})
	return out.String(), err
}

// TestKeyringForms holds every command line by which clients start keyring. The entries are for a password of a user's,
// and for a token that goes with any user.
func TestKeyringForms(t *testing.T) {
	entries := []envsync.Entry{
		given(t, "https://h.test/simple", regpass.Basic, "ci", "p4ss&<w>"),
		given(t, "https://token.test/simple", regpass.Bearer, "", "t0ken"),
		given(t, "http://127.0.0.1:8811/simple", regpass.Bearer, "__token__", "l0cal"),
	}
	const own = "https://h.test/simple/"
	for _, tt := range []struct{ name, args, want string }{
		{"uv with a user", "get " + own + " ci", "p4ss&<w>\n"},
		{"uv, by its host", "get h.test ci", "p4ss&<w>\n"},
		{"uv without a user", "get " + own + " --mode creds", "ci\np4ss&<w>\n"},
		{"uv without a user, by its host", "get 127.0.0.1:8811 --mode creds", "__token__\nl0cal\n"},
		{"uv, by its origin", "get http://127.0.0.1:8811 --mode creds", "__token__\nl0cal\n"},
		{"pip since 26.2", "--mode=creds --output=json get " + own, `{"password":"p4ss&<w>","username":"ci"}` + "\n"},
		{"pip with a user", "--mode=creds --output=json get " + own + " ci",
			`{"password":"p4ss&<w>","username":"ci"}` + "\n"},
		{"pip, by its host", "--mode=creds --output=json get h.test:443", `{"password":"p4ss&<w>","username":"ci"}` + "\n"},
		{"pip before 26.2", "get " + own + " ci", "p4ss&<w>\n"},
		{"pdm without a user", "--mode=creds get " + own + " ", "ci\np4ss&<w>\n"},
		{"pdm, with the user in the URL", "--mode=creds get https://ci@h.test/simple/ ci", "ci\np4ss&<w>\n"},
		{"pdm, with the user in the URL alone", "--mode=creds get https://ci@h.test/simple/ ", "ci\np4ss&<w>\n"},
		{"a token for the user that is named", "get https://token.test/simple/ oauth2accesstoken", "t0ken\n"},
		{"a token for the user in the URL", "get https://oauth2accesstoken@token.test/simple/ --mode creds",
			"oauth2accesstoken\nt0ken\n"},
		{"a password in the URL is no matter", "get https://ci:old@h.test/simple/ ci", "p4ss&<w>\n"},
		{"flags in other places", "--output json get --mode creds " + own + " ci",
			`{"password":"p4ss&<w>","username":"ci"}` + "\n"},
		{"a password in JSON", "get " + own + " ci --output=json", `{"password":"p4ss&<w>"}` + "\n"},
		{"what is the default", "--mode password --output=plain get " + own + " ci", "p4ss&<w>\n"},
		{"another case of the host", "get HTTPS://H.Test/simple/ ci", "p4ss&<w>\n"},
		{"a query and a fragment", "get https://h.test/simple/?a=b#c ci", "p4ss&<w>\n"},
	} {
		got, err := run(keyring, entries, "", strings.Split(tt.args, " ")...)
		if err != nil || got != tt.want {
			t.Errorf("%s: keyring %s: %q, %v, want %q", tt.name, tt.args, got, err, tt.want)
		}
	}
}

// TestKeyringNone holds that what is not ours gets the real keyring's answer: a failure, and nothing printed.
func TestKeyringNone(t *testing.T) {
	entries := []envsync.Entry{
		given(t, "https://h.test/simple", regpass.Basic, "ci", "p4ss"),
		given(t, "https://port.test:8443/simple", regpass.Basic, "ci", "p4ss"),
	}
	for _, service := range []string{
		"https://other.test/simple/", "https://h.test.evil.test/simple/", "https://evil.h.test/", "python-poetry-check",
		"https://h.test:444/simple/", "h.test:80", "http://h.test/simple/", "https://h.test./simple/", "https://port.test/",
		"https://h\u0131.test/", "https://\uff48.test/simple/", "port.test", "ftp://h.test/", "file:///h.test", "https://",
		"://", "", "h.test\x00", "h.test\nh.test", "https://h.test%2f@evil.test/", "https://h.test\\@evil.test/", "[h.test]",
		"h.test@evil.test", "https://evil.test/h.test", "https://evil.test/#@h.test", "https://h.test:443:443/", "-",
		"poetry-repository-main", strings.Repeat("a", 1<<20),
	} {
		for _, args := range [][]string{{"get", service, "ci"}, {"get", service, "--mode", "creds"},
			{"--mode=creds", "--output=json", "get", service}} {
			got, err := run(keyring, entries, "", args...)
			if got != "" || !errors.Is(err, ErrNone) {
				t.Errorf("keyring %.60q: %q, %v", args, got, err)
			}
		}
	}
	for _, args := range [][]string{{}, {"get"}, {"get", "https://h.test/"}, {"get", "https://h.test/", "ci", "more"},
		{"set", "https://h.test/", "ci"}, {"del", "https://h.test/", "ci"}, {"diagnose"}, {"GET", "https://h.test/", "ci"},
		{"--list-backends"}, {"-b", "x", "get", "https://h.test/", "ci"}, {"--mode"},
		{"--mode=secret", "get", "https://h.test/"}, {"get", "https://h.test/", "another"},
		{"--output=yaml", "get", "https://h.test/", "ci"}} {
		got, err := run(keyring, entries, "p4ss\n", args...)
		wants := len(args) == 2 && args[0] == "get" // the only credential of the host
		if wants == (err != nil) || !wants && got != "" {
			t.Errorf("keyring %q: %q, %v", args, got, err)
		}
	}
}

// TestKeyringSays holds that a client is told why a credential of ours cannot be had, without it.
func TestKeyringSays(t *testing.T) {
	for _, tt := range []struct {
		entry envsync.Entry
		args  string
		want  string
	}{
		{given(t, "https://h.test/simple", regpass.Bearer, "", "s3cret"), "get https://h.test/ --mode creds", "no user name"},
		{given(t, "https://h.test/x", regpass.CondaToken, "", "s3cret"), "get https://h.test/ ci", "conda-token"},
	} {
		got, err := run(keyring, []envsync.Entry{tt.entry}, "", strings.Fields(tt.args)...)
		if got != "" {
			t.Errorf("keyring %s: %q", tt.args, got)
		}
		testenv.WantError(t, err, "s3cret", tt.want)
	}
	broken := errors.New("the service is down")
	err := keyring.Answer(context.Background(), &Call{Args: []string{"get", "https://h.test/", "ci"}, Stdout: io.Discard,
		Find: func(context.Context, Question) (regpass.Credential, error) { return regpass.Credential{}, broken }})
	if !errors.Is(err, broken) || errors.Is(err, ErrNone) {
		t.Errorf("%v", err)
	}
}
