package secret_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/session/testutil"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

// environment has that time and those variables.
func environment(now *time.Time, vars map[string]string) *regpass.Env {
	return &regpass.Env{Now: func() time.Time { return *now }, Getenv: func(name string) string { return vars[name] }}
}

func TestStoreAnswers(t *testing.T) {
	m := newMinter(t)
	const missing = "\x00missing"
	pyx := m.pyx("https://pkgs.example:8443/simple/acme/main ports=any type=pyx name=acme-main")
	alice := m.source("https://pypi.corp/simple name=corp", regpass.Credential{Kind: regpass.Basic, Username: "alice",
		Secret: regpass.NewSecret("pass word")})
	token := m.source("https://git.corp", regpass.Credential{Kind: regpass.Bearer, Secret: regpass.NewSecret("tok")})
	conda := m.source("https://conda.corp name=conda", regpass.Credential{Kind: regpass.CondaToken,
		Secret: regpass.NewSecret("ct")})
	bucket := m.source("s3://bucket/channel", regpass.Credential{Kind: regpass.S3, Username: "AKIA",
		Secret: regpass.NewSecret("sk")})
	broken := m.source("https://broken.corp name=broken", regpass.Credential{Kind: regpass.Basic, Username: "a",
		Secret: regpass.NewSecret("to\nken")})
	down := m.failing("https://down.corp", fmt.Errorf("exchange: %w",
		&regpass.HTTPError{Op: "pyx", URL: "https://down.corp/", Status: 503, Message: "eyJ-leak"}))
	fork := m.failing("https://fork.corp", regpass.NoIdentityf("no eyJ-leak here"))
	other := m.pyx("https://pkgs.example:9443/ type=pyx")
	other.ClientVar, pyx.Key = "", "the first"
	two := []secret.Source{pyx, other}
	bob := m.source("https://bob.corp/simple", regpass.Credential{Kind: regpass.Basic, Username: "bob",
		Secret: regpass.NewSecret("word")})
	rival := m.source("https://pkgs.example:9444/ ports=any", regpass.Credential{Kind: regpass.Basic, Username: "bob",
		Secret: regpass.NewSecret("word")})

	for _, c := range []struct {
		name    string
		sources []secret.Source
		id      string
		want    string // missing: not found
		err     string // part of the error
	}{
		{"client variable", []secret.Source{pyx}, "pyx_auth_token", "eyJ-token", ""},
		{"index user name", []secret.Source{pyx}, "uv_index_acme_main_username", "__token__", ""},
		{"index password", []secret.Source{pyx}, "uv_index_acme_main_password", "eyJ-token", ""},
		{"host", []secret.Source{pyx}, "pkgs.example_8443", "eyJ-token", ""},
		{"netrc", []secret.Source{pyx, bob, conda}, "netrc",
			"machine pkgs.example\nlogin __token__\npassword eyJ-token\nmachine bob.corp\nlogin bob\npassword word\n", ""},
		{"netrc, without what it cannot carry", []secret.Source{alice, bob}, "netrc",
			"machine bob.corp\nlogin bob\npassword word\n", ""},
		{"rattler", []secret.Source{pyx, conda}, "rattler",
			`{"pkgs.example":{"BearerToken":"eyJ-token"},"conda.corp":{"CondaToken":"ct"}}` + "\n", ""},
		{"uv", []secret.Source{pyx, conda}, "uv", "[[credential]]\nservice = \"https://pkgs.example:8443/\"\nscheme = " +
			"\"bearer\"\ntoken = \"eyJ-token\"\n", ""},
		{"a file that carries none", []secret.Source{conda}, "netrc", "",
			"regpass: secret netrc: no credential of this build can be written in such a file; mount another id"},
		{"a file that carries not both", []secret.Source{pyx, rival}, "netrc", "",
			"the credentials of this build can't be written in one such file; mount another id"},
		{"ADD, bearer", []secret.Source{pyx}, "HTTP_AUTH_TOKEN_pkgs.example", "eyJ-token", ""},
		{"ADD, no basic", []secret.Source{pyx}, "HTTP_AUTH_HEADER_pkgs.example", missing, ""},
		{"ADD, basic", []secret.Source{alice}, "HTTP_AUTH_HEADER_pypi.corp", "Basic YWxpY2U6cGFzcyB3b3Jk", ""},
		{"ADD, no bearer", []secret.Source{alice}, "HTTP_AUTH_TOKEN_pypi.corp", missing, ""},
		{"ADD, conda", []secret.Source{conda}, "HTTP_AUTH_TOKEN_conda.corp", missing, ""},
		{"git, with a name", []secret.Source{pyx}, "GIT_AUTH_HEADER.pkgs.example:8443", "Basic X190b2tlbl9fOmV5Si10b2tlbg==",
			""},
		{"git, with a name, as token", []secret.Source{pyx}, "GIT_AUTH_TOKEN.pkgs.example:8443", missing, ""},
		{"git, token", []secret.Source{token}, "GIT_AUTH_TOKEN.git.corp", "tok", ""},
		{"git, token, as header", []secret.Source{token}, "GIT_AUTH_HEADER.git.corp", missing, ""},
		{"git, other host", []secret.Source{token}, "GIT_AUTH_TOKEN.github.com", missing, ""},
		{"git, any host", []secret.Source{token}, "GIT_AUTH_TOKEN", missing, ""},
		{"s3", []secret.Source{bucket}, "s3___bucket_channel", "sk", ""},
		{"s3 is no git host", []secret.Source{bucket}, "GIT_AUTH_TOKEN.s3://bucket/channel", missing, ""},
		{"API key, unasked", []secret.Source{pyx}, "pyx_api_key", missing, ""},
		{"unknown", []secret.Source{down}, "token", missing, ""},
		{"empty", []secret.Source{down}, "", missing, ""},
		{"nothing configured", nil, "netrc", missing, ""},
		{"no user name", []secret.Source{conda}, "uv_index_conda_username", "",
			"conda.corp: its conda-token credential has no such part; mount netrc or rattler"},
		{"line break", []secret.Source{broken}, "uv_index_broken_password", "",
			"broken.corp: the credential holds a line break"},
		{"down", []secret.Source{down}, "netrc", "", "regpass: secret netrc: down.corp: no credential could be had: an " +
			"answer with status 503; regpass tells more where it was started"},
		{"no identity", []secret.Source{fork}, "fork.corp", "",
			"fork.corp: no credential could be had: nothing here proves who asks;"},
		{"one host, two credentials", two, "HTTP_AUTH_TOKEN_pkgs.example", "",
			"two registries have different credentials for it"},
		{"one host, two ports", two, "pkgs.example_9443", "eyJ-token", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := time.Unix(1e9, 0)
			s, err := secret.NewStore(environment(&now, map[string]string{"PYX_API_KEY": "k"}), m, c.sources, nil, "")
			if err != nil {
				t.Fatal(err)
			}
			s.Fetches([]string{"https://pkgs.example:8443/a", "https://pypi.corp/a", "https://conda.corp/a",
				"https://git.corp/a.git", "https://github.com/a.git", "s3://bucket/channel"})
			got, err := s.GetSecret(t.Context(), c.id)
			switch {
			case c.want == missing:
				if !errors.Is(err, secrets.ErrNotFound) {
					t.Errorf("%q, %v; want not found", got, err)
				}
			case c.err != "":
				if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "eyJ") ||
					errors.Is(err, secrets.ErrNotFound) {
					t.Errorf("%q, %v; want %s", got, err, c.err)
				}
			case err != nil || string(got) != c.want:
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestStoreRefusesClashes(t *testing.T) {
	m := newMinter(t)
	now := time.Unix(1e9, 0)
	acme, other := m.pyx("https://a.example name=acme"), m.pyx("https://b.example")
	index := m.source("https://c.example name=ACME", regpass.Credential{Secret: regpass.NewSecret("s")})
	same := other
	same.Key, acme.Key = "one login", "one login"
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		sources []secret.Source
		user    []secret.UserDefined
		tenant  string
		err     string // empty: none
	}{
		{"one login for two", []secret.Source{acme, same}, nil, "", ""},
		{"two logins of one client", []secret.Source{acme, other}, nil, "", ""},
		{"two indexes of one name", []secret.Source{acme, index}, nil, "", "both would be UV_INDEX_ACME_USERNAME"},
		{"ours and the user's", []secret.Source{acme}, []secret.UserDefined{{ID: "netrc", Src: file}}, "",
			`there is a secret "netrc" already`},
		{"ours, named", []secret.Source{acme}, []secret.UserDefined{{ID: "netrc"}}, "", ""},
		{"the user's twice", nil, []secret.UserDefined{{ID: "a", Src: file}, {ID: "a", Src: file}}, "",
			`there is a secret "a" already`},
		{"what nobody named gives way", []secret.Source{acme},
			[]secret.UserDefined{{ID: "GIT_AUTH_TOKEN.a.example", Src: file}}, "", ""},
		{"no such file", nil, []secret.UserDefined{{ID: "a", Src: file + "-"}}, "", "no such file"},
		{"neither variable nor file", nil, []secret.UserDefined{{ID: "nothing"}}, "", "no such file"},
		{"a folder", nil, []secret.UserDefined{{ID: "a", Src: filepath.Dir(file)}}, "", "is a folder"},
		{"a key that is not set", []secret.Source{acme}, []secret.UserDefined{{ID: "pyx_api_key"}}, "",
			"pyx_api_key is asked for, but PYX_API_KEY or UV_API_KEY is not set"},
		{"a tenant that no id can hold", nil, nil, "a,b", "the name of a tenant"},
	} {
		_, err := secret.NewStore(environment(&now, nil), m, c.sources, c.user, c.tenant)
		if c.err == "" && err != nil || c.err != "" && (!errors.Is(err, regpass.ErrUsage) ||
			!strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v; want %q", c.name, err, c.err)
		}
	}
}

func TestStoreAnswersTheUsersOwn(t *testing.T) {
	m := newMinter(t)
	now := time.Unix(1e9, 0)
	dir := t.TempDir()
	for name, content := range map[string]string{"multi.pem": "line 1\nline 2\n", "plain": "in a file"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := environment(&now, map[string]string{"TOKEN": "t", "BARE": "b", "UV_API_KEY": "key"})
	env.Dir = dir
	user := []secret.UserDefined{{ID: "pem", Src: "multi.pem"}, {ID: "tok", Env: "TOKEN"}, {ID: "BARE"}, {ID: "plain"},
		{ID: "unset", Env: "UNSET"}, {ID: "pyx_api_key"}, {ID: "GIT_AUTH_TOKEN.pkgs.example", Env: "TOKEN"}}
	s, err := secret.NewStore(env, m, []secret.Source{m.pyx("https://pkgs.example")}, user, "acme")
	if err != nil {
		t.Fatal(err)
	}
	s.Fetches([]string{"https://pkgs.example/a"})
	for id, want := range map[string]string{"pem-acme": "line 1\nline 2\n", "tok-acme": "t", "BARE-acme": "b",
		"plain-acme":       "in a file",
		"pyx_api_key-acme": "key", "GIT_AUTH_TOKEN.pkgs.example": "t", "pyx_auth_token-acme": "eyJ-token",
		"HTTP_AUTH_TOKEN_pkgs.example": "eyJ-token"} {
		if got, err := s.GetSecret(t.Context(), id); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", id, got, err, want)
		}
	}
	for _, id := range []string{"unset-acme", "pem", "pyx_auth_token"} {
		if got, err := s.GetSecret(t.Context(), id); !errors.Is(err, secrets.ErrNotFound) {
			t.Errorf("%s: %q, %v", id, got, err)
		}
	}
	warnings := strings.Join(s.Warnings(), "\n")
	if len(s.Warnings()) != 2 || !strings.Contains(warnings, `"UNSET" is not set`) ||
		!strings.Contains(warnings, "pyx_api_key gives a step an API key that outlives the build") {
		t.Errorf("warnings: %s", warnings)
	}
	// A file is read anew each time.
	if err := os.WriteFile(filepath.Join(dir, "plain"), []byte("newer"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := s.GetSecret(t.Context(), "plain-acme"); err != nil || string(got) != "newer" {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "plain"), make([]byte, secretsprovider.MaxSecretSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetSecret(t.Context(), "plain-acme"); err == nil ||
		!strings.Contains(err.Error(), "larger than the 512000 bytes") {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(dir, "plain")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetSecret(t.Context(), "plain-acme"); err == nil ||
		err.Error() != "regpass: secret plain-acme: its file is gone since the build began" {
		t.Error(err)
	}
	for _, d := range s.Minted() {
		ours := strings.HasPrefix(d.ID, "pyx_auth_token") || strings.HasPrefix(d.ID, "HTTP_")
		if ours != (d.Fingerprint != "") || ours != (d.Host != "") {
			t.Errorf("delivery %+v", d)
		}
	}
}

func TestStoreLists(t *testing.T) {
	m := newMinter(t)
	now := time.Unix(1e9, 0)
	src := m.pyx("https://pkgs.example:8443/simple/acme/main ports=any type=pyx name=acme")
	delete(m.answers, src.Ref.String()) // nothing is minted
	s, err := secret.NewStore(environment(&now, map[string]string{"X": "x"}), m, []secret.Source{src},
		[]secret.UserDefined{{ID: "mine", Env: "X"}}, "t")
	if err != nil {
		t.Fatal(err)
	}
	var mounts []string
	for _, secret := range s.Secrets() {
		if !slices.Equal(secret.Hosts, []string{"pkgs.example:8443"}) {
			t.Errorf("%s is for %v", secret.ID, secret.Hosts)
		}
		mounts = append(mounts, secret.Mount()+" "+secret.Var+"="+secret.Points())
	}
	want := []string{
		"--mount=type=secret,id=pyx_auth_token-t,required=true,env=PYX_AUTH_TOKEN =",
		"--mount=type=secret,id=uv_index_acme_username-t,required=true,env=UV_INDEX_ACME_USERNAME =",
		"--mount=type=secret,id=uv_index_acme_password-t,required=true,env=UV_INDEX_ACME_PASSWORD =",
		"--mount=type=secret,id=netrc-t,required=true,target=/run/secrets/netrc NETRC=/run/secrets/netrc",
		"--mount=type=secret,id=rattler-t,required=true,target=/run/secrets/rattler RATTLER_AUTH_FILE=/run/secrets/rattler",
		"--mount=type=secret,id=npmrc-t,required=true,target=/run/secrets/npmrc NPM_CONFIG_USERCONFIG=/run/secrets/npmrc",
	}
	if !slices.Equal(mounts, want) {
		t.Errorf("secrets:\n%s\nwant:\n%s", strings.Join(mounts, "\n"), strings.Join(want, "\n"))
	}
	var rest []string
	for _, o := range s.All() {
		if o.Use != secret.ForClient {
			rest = append(rest, strings.TrimSpace(o.ID+" "+o.Mount()))
		}
	}
	want = []string{
		"pkgs.example_8443-t --mount=type=secret,id=pkgs.example_8443-t,required=true,target=/run/secrets/pkgs.example_8443",
		"HTTP_AUTH_TOKEN_pkgs.example", "HTTP_AUTH_HEADER_pkgs.example", "GIT_AUTH_HEADER.pkgs.example:8443",
		"GIT_AUTH_TOKEN.pkgs.example:8443",
		"uv-t --mount=type=tmpfs,target=/run/regpass-uv " +
			"--mount=type=secret,id=uv-t,required=true,target=/run/regpass-uv/credentials.toml",
	}
	if !slices.Equal(rest, want) {
		t.Errorf("the others:\n%s\nwant:\n%s", strings.Join(rest, "\n"), strings.Join(want, "\n"))
	}
}

// TestTwoLoginsOfOneClient holds that a variable that can have but one value has none rather than the wrong one.
func TestTwoLoginsOfOneClient(t *testing.T) {
	m := newMinter(t)
	now := time.Unix(1e9, 0)
	s, err := secret.NewStore(environment(&now, nil), m, []secret.Source{m.pyx("https://a.example"),
		m.pyx("https://b.example")}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, secret := range s.Secrets() {
		ids = append(ids, secret.ID)
	}
	if !slices.Equal(ids, []string{"netrc", "rattler", "npmrc"}) {
		t.Errorf("secrets: %s", ids)
	}
	if w := s.Warnings(); len(w) != 1 || !strings.Contains(w[0],
		"no PYX_AUTH_TOKEN, since https://a.example/ and https://b.example/ have different credentials") {
		t.Errorf("warnings: %s", w)
	}
	if got, err := s.GetSecret(t.Context(), "pyx_auth_token"); err == nil || errors.Is(err, secrets.ErrNotFound) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestStoreOverASession asks as the daemon does, through BuildKit's own session.
func TestStoreOverASession(t *testing.T) {
	m := newMinter(t)
	now := time.Unix(1e9, 0)
	down := m.failing("https://down.corp", fmt.Errorf("eyJ-leak: %w",
		&regpass.HTTPError{Status: 500, Message: "eyJ-leak"}))
	store, err := secret.NewStore(environment(&now, nil), m, []secret.Source{m.pyx("https://pkgs.example"), down}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := session.NewSession(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s.Allow(secretsprovider.NewSecretProvider(store))
	manager, err := session.NewManager()
	if err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	dial := testutil.TestStream(func(ctx context.Context, conn net.Conn, meta map[string][]string) error {
		return manager.HandleConn(ctx, conn, meta)
	})
	go func() { ran <- s.Run(context.WithoutCancel(t.Context()), session.Dialer(dial)) }()
	caller, err := manager.Get(t.Context(), s.ID(), false)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := secrets.GetSecret(t.Context(), caller, "pyx_auth_token"); err != nil || string(got) != "eyJ-token" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := secrets.GetSecret(t.Context(), caller, "HTTP_AUTH_HEADER_github.com"); !errors.Is(err,
		secrets.ErrNotFound) {
		t.Errorf("%q, %v", got, err)
	}
	got, err := secrets.GetSecret(t.Context(), caller, "netrc")
	if err == nil || errors.Is(err, secrets.ErrNotFound) || !strings.Contains(err.Error(),
		"down.corp: no credential could be had: an answer with status 500") {
		t.Errorf("%q, %v", got, err)
	}
	if text := fmt.Sprintf("%+v", err); strings.Contains(text, "eyJ-leak") {
		t.Errorf("the daemon was told what the registry said: %s", text)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ran; err != nil {
		t.Error(err)
	}
}
