package registry_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

const vaultIndex = "https://pkgs.example/simple/ type=vault addr=https://vault.example:8200 role=ci"

func TestVault(t *testing.T) {
	const login = "POST https://vault.example:8200/v1/auth/jwt/login"
	token := key(regpass.APIKey, "VAULT_TOKEN", "hvs.a-token-of-the-user")
	for name, test := range map[string]struct {
		ref    string
		change func(*fake.Vault)
		proof  registry.Proof
		want   regpass.Credential // of the secret, only its text; empty: any
		asked  []string
	}{
		"KV 2": {vaultIndex + " secret=secret/data/pkgs", nil, (&job{t: t}).proof(),
			regpass.Credential{Kind: regpass.Basic, Username: "ci", Secret: regpass.NewSecret("a password of pkgs"),
				Expires: now().Add(time.Hour)},
			[]string{login, "GET https://vault.example:8200/v1/secret/data/pkgs"}},
		"KV 1": {vaultIndex + " secret=/v1/kv/pkgs/ field=api-key", func(v *fake.Vault) {
			v.Answers["kv/pkgs"] = map[string]any{"lease_id": "", "lease_duration": 2764800,
				"data": map[string]any{"api-key": "k3y", "password": "another"}}
		}, (&job{t: t}).proof(), regpass.Credential{Kind: regpass.Bearer, Secret: regpass.NewSecret("k3y"),
			Expires: now().Add(time.Hour)}, []string{login, "GET https://vault.example:8200/v1/kv/pkgs"}},
		"dynamic": {vaultIndex + " secret=artifactory/token/ci kind=bearer", func(v *fake.Vault) {
			v.Answers["artifactory/token/ci"] = map[string]any{"lease_id": "artifactory/token/ci/x", "lease_duration": 600,
				"data": map[string]any{"access_token": "at-of-artifactory", "username": "v-ci"}}
		}, (&job{t: t}).proof(), regpass.Credential{Kind: regpass.Bearer, Username: "v-ci",
			Secret: regpass.NewSecret("at-of-artifactory"), Expires: now().Add(10 * time.Minute)},
			[]string{login, "GET https://vault.example:8200/v1/artifactory/token/ci"}},
		"no secret": {vaultIndex, nil, (&job{t: t}).proof(), regpass.Credential{Kind: regpass.Bearer,
			Expires: now().Add(time.Hour)}, []string{login}},
		"namespace, path and proxy": {"https://pkgs.example/ type=vault addr=https://vault.example:8200/below/ role=ci " +
			"path=ci/github namespace=team/a audience=https://vault.example:8200", func(v *fake.Vault) {
			v.Namespace, v.Mount = "team/a", "ci/github"
		}, (&job{t: t}).proof(), regpass.Credential{Kind: regpass.Bearer, Expires: now().Add(time.Hour)},
			[]string{"POST https://vault.example:8200/below/v1/auth/ci/github/login"}},
		"the user's token": {vaultIndex + " secret=secret/data/pkgs", func(v *fake.Vault) {
			v.Tokens["hvs.a-token-of-the-user"] = true
		}, token, regpass.Credential{Kind: regpass.Basic, Username: "ci", Secret: regpass.NewSecret("a password of pkgs")},
			[]string{"GET https://vault.example:8200/v1/secret/data/pkgs"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewVault(now)
			if test.change != nil {
				test.change(server)
			}
			w := newFixture(http.StripPrefix("/below", http.HandlerFunc(server.ServeHTTP)))
			if !strings.Contains(test.ref, "/below") {
				w = newFixture(server)
			}
			cred, err := w.exchange(t.Context(), ref(t, test.ref), test.proof)
			if err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if cred.Registry != "vault" || cred.Host != "pkgs.example" || cred.Kind != test.want.Kind ||
				cred.Username != test.want.Username || !cred.Expires.Equal(test.want.Expires) ||
				!test.want.Secret.Empty() && cred.Secret.Reveal() != test.want.Secret.Reveal() {
				t.Errorf("got %+v, %q", cred, cred.Secret.Reveal())
			}
			if !slices.Equal(w.asked, test.asked) || len(server.Wrong()) > 0 {
				t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
			}
			if !slices.Contains(w.masked, cred.Secret.Reveal()) {
				t.Error("the secret is not masked")
			}
			if cred.Ender.Empty() == (test.proof.Method == regpass.OIDC) {
				t.Errorf("the login ends it: %v", !cred.Ender.Empty())
			}
		})
	}
}

func TestVaultRefusals(t *testing.T) {
	const secret = " secret=secret/data/pkgs"
	for name, test := range map[string]struct {
		ref    string
		change func(*fake.Vault)
		says   []string
	}{
		"role": {vaultIndex + secret, func(v *fake.Vault) { v.Role = "other" },
			[]string{"vault: log in: POST", "400", "could not be found", "set role= or VAULT_AUTH_ROLE", "`regpass trust "}},
		"no role": {strings.TrimSuffix(vaultIndex, " role=ci"), nil, []string{"missing role", "no default role"}},
		"audience": {vaultIndex, func(v *fake.Vault) { v.Audience = "other" },
			[]string{"trusts another issuer or the role another audience", `sub="repo:acme/app:ref:refs/heads/main"`}},
		"subject": {vaultIndex, func(v *fake.Vault) { v.Subject = "repo:acme/other" }, []string{"audience or subject"}},
		"mount":   {vaultIndex + " path=github", nil, []string{"403", "nothing may be mounted at path="}},
		"path":    {vaultIndex + " secret=secret/pkgs", nil, []string{"vault: read the secret: GET", "404", "needs data/"}},
		"field": {vaultIndex + secret + " field=key", nil,
			[]string{`vault: read the secret "secret/data/pkgs"`, "field key", "add field=NAME"}},
		"number": {vaultIndex + secret + " field=pin", func(v *fake.Vault) {
			v.Answers["secret/data/pkgs"] = map[string]any{"data": map[string]any{"pin": 1234}}
		}, []string{"no text in a field pin"}},
		"command": {vaultIndex + secret, func(v *fake.Vault) {
			v.Answers["secret/data/pkgs"] = map[string]any{"data": map[string]any{"password": "::add-mask::x"}}
		}, []string{`the field "password"`, "command to a CI system's runner"}},
		"lease over": {vaultIndex + secret, func(v *fake.Vault) {
			v.Answers["secret/data/pkgs"] = map[string]any{"data": map[string]any{"token": "a b"}}
		}, []string{"vault: the token holds the byte 0x20"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewVault(now)
			if test.change != nil {
				test.change(server)
			}
			w := newFixture(server)
			j := &job{t: t}
			_, err := w.exchange(t.Context(), ref(t, test.ref), j.proof())
			mustSay(t, err, test.says...)
			mustHide(t, err, append(j.tokens, "::add-mask::x")...)
			if len(server.Tokens) > 0 {
				t.Errorf("a login is left that nobody uses: %q", w.asked)
			}
		})
	}
}

func TestVaultTriesAgain(t *testing.T) {
	server := fake.NewVault(now)
	server.Instead(text(412, `{"errors":["required index state not present"]}`), nil, text(473, ""))
	w := newFixture(server)
	j := &job{t: t}
	if _, err := w.exchange(t.Context(), ref(t, vaultIndex+" secret=secret/data/pkgs"), j.proof()); err != nil {
		t.Fatal(said(err))
	}
	if len(j.tokens) != 2 || len(w.asked) != 4 {
		t.Errorf("%d identities, asked %q", len(j.tokens), w.asked)
	}
}

// TestVaultOpens holds which servers may be named, and that the user's token goes only to the one it belongs to.
func TestVaultOpens(t *testing.T) {
	const index = "https://pkgs.example/simple/ type=vault"
	for _, test := range []struct {
		ref   string
		vars  map[string]string
		says  string // why it is refused
		proof string // the variable whose token is found
	}{
		{ref: index, says: "set VAULT_ADDR, or add addr="},
		{ref: index, vars: map[string]string{"VAULT_ADDR": "http://vault.example"}, says: "neither https nor on this"},
		{ref: index + " addr=https://user@vault.example", says: "carries a user name"},
		{ref: index + " addr=https://vault.example secret=a/../b", says: "is no path in Vault"},
		{ref: index + " addr=https://vault.example path=jwt?x", says: "is no path in Vault"},
		{ref: index + " addr=https://vault.example secret=a//b", says: "is no path in Vault"},
		{ref: index + " addr=https://vault.example kind=s3", says: "unknown kind"},
		{ref: index, vars: map[string]string{"VAULT_ADDR": "https://vault.example", "VAULT_TOKEN": "hvs.x"},
			proof: "VAULT_TOKEN"},
		{ref: index + " addr=https://other.example",
			vars: map[string]string{"VAULT_ADDR": "https://vault.example", "VAULT_TOKEN": "hvs.x"}},
		{ref: index + " addr=https://vault.example", vars: map[string]string{"VAULT_TOKEN": "hvs.x"}},
		{ref: index, vars: map[string]string{"BAO_ADDR": "https://bao.example", "VAULT_ADDR": "https://vault.example",
			"VAULT_TOKEN": "hvs.x"}},
		{ref: index, vars: map[string]string{"BAO_ADDR": "https://bao.example", "VAULT_ADDR": "https://vault.example",
			"VAULT_TOKEN": "hvs.x", "BAO_TOKEN": "s.x"}, proof: "BAO_TOKEN"},
		{ref: index, vars: map[string]string{"VAULT_ADDR": "http://127.0.0.1:8200/", "VAULT_TOKEN": "hvs.x"},
			proof: "VAULT_TOKEN"},
	} {
		w := newFixture(http.NotFoundHandler())
		for k, v := range test.vars {
			w.vars[k] = v
		}
		target, err := registry.Open(w.Env, ref(t, test.ref))
		if test.says != "" {
			mustSay(t, err, test.says)
			continue
		}
		if err != nil {
			t.Errorf("%s: %s", test.ref, said(err))
			continue
		}
		if p, _, err := found(w, target); err != nil || p.From != test.proof {
			t.Errorf("%s, %v: found %q, %v; want %q", test.ref, test.vars, p.From, err, test.proof)
		}
	}
	// Two secrets of one server are two credentials, also with a key; so are two hosts.
	scopes := map[string]bool{}
	for _, text := range []string{index + " secret=a", index + " secret=b", index + " role=x",
		strings.Replace(index, "pkgs", "other", 1) + " secret=a"} {
		target, err := registry.Open(newFixture(nil).Env, ref(t, text+" addr=https://vault.example"))
		if err != nil || scopes[target.ScopeFor(regpass.APIKey)] {
			t.Errorf("%s: the scope %q, %v", text, target.Scope, err)
		}
		scopes[target.ScopeFor(regpass.APIKey)] = true
	}
}

func TestVaultRevokes(t *testing.T) {
	server := fake.NewVault(now)
	server.Namespace = "team/a"
	w := newFixture(server)
	target, err := registry.Open(w.Env, ref(t, vaultIndex+" secret=secret/data/pkgs namespace=team/a"))
	if err != nil {
		t.Fatal(err)
	}
	cred, err := target.Exchange(t.Context(), w.Env, (&job{t: t}).proof())
	if err != nil || len(server.Tokens) != 1 {
		t.Fatal(said(err), server.Wrong())
	}
	// The session keeps only the text of the revoker.
	at, err := url.Parse(target.Revoker.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Row.Revoke(t.Context(), w.Env, at, cred); err != nil || len(server.Tokens) > 0 {
		t.Errorf("%v: %v, left %v", server.Wrong(), err, server.Tokens)
	}
	if last := w.asked[len(w.asked)-1]; last != "POST https://vault.example:8200/v1/auth/token/revoke-self" {
		t.Errorf("asked %s", last)
	}
	mustSay(t, target.Row.Revoke(t.Context(), w.Env, at, cred), "vault: log out: POST", "permission denied")
	cred.Ender = regpass.Secret{} // read with the user's own token
	if err := target.Row.Revoke(t.Context(), w.Env, at, cred); !errors.Is(err, registry.ErrEndsItself) {
		t.Errorf("got %v", err)
	}
}

func vaultWays(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	j := &job{t: t}
	login := way{name: "vault's login", ref: vaultIndex, run: by(j.proof()),
		server: func() http.Handler { return fake.NewVault(now) }, sent: func() []string { return j.tokens },
		broken: []string{`{"auth":{"client_token":%s}}`},
		end:    `{"auth":{"client_token":"hvs.0123456789abcdef","lease_duration":%s}}`}
	read := login
	read.name, read.ref, read.before, read.after = "vault's secret", vaultIndex+" secret=secret/data/pkgs", 1, 1
	read.broken = []string{`{"data":{"data":{"token":%s},"metadata":{}}}`}
	read.end = `{"lease_id":"database/creds/ci/1","lease_duration":%s,"data":{"token":"at-0123456789abcdef"}}`
	return []way{login, read}
}
