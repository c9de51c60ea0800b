//go:build openbao

package registry_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

// realJob is a job whose identities a server can verify.
type realJob struct {
	issuer *fake.Issuer
	claims map[string]any
}

// Identity is registry.Identities.
func (j realJob) Identity(_ context.Context, audience string) (regpass.Identity, error) {
	claims := map[string]any{"aud": audience, "iat": time.Now().Unix(), "nbf": time.Now().Unix(),
		"exp": time.Now().Add(5 * time.Minute).Unix()}
	maps.Copy(claims, j.claims)
	token, err := j.issuer.Sign(claims)
	if err != nil {
		return regpass.Identity{}, err
	}
	read, err := regpass.DecodeJWT(token)
	return regpass.Identity{Provider: "github", Token: token, Claims: read, PolicyClaims: []string{"sub"}}, err
}

func (j realJob) proof() registry.Proof {
	return registry.Proof{Method: regpass.OIDC, From: "a job", Identities: j}
}

// startBao runs OpenBao in development mode, and returns its program and its address. No package registry has its
// releases, so ./check cannot install it: whoever has it sets this tag, and REGPASS_BAO to where it is.
func startBao(t *testing.T) (bao, addr string) {
	t.Helper()
	bao = os.Getenv("REGPASS_BAO")
	if bao == "" {
		t.Fatal("REGPASS_BAO does not say where OpenBao's program is")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	_ = l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	c := exec.CommandContext(ctx, bao, "server", "-dev", "-dev-no-store-token", "-dev-root-token-id=root",
		"-dev-listen-address="+at)
	c.Dir, c.Env = t.TempDir(), []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = c.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "Root Token:") { // the last thing it says before it serves
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return bao, "http://" + at
		}
	}
	t.Fatal("OpenBao did not start")
	return "", ""
}

// TestVaultIsReal has OpenBao run the commands of `regpass trust`, and takes a secret from it.
func TestVaultIsReal(t *testing.T) {
	bao, addr := startBao(t)
	issuer, err := fake.NewIssuer("ES256")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(issuer)
	defer server.Close()
	issuer.URL = server.URL
	shell := func(script string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", `vault() { "$BAO" "$@"; }`+"\n"+script)
		c.Env = []string{"BAO=" + bao, "BAO_ADDR=" + addr, "BAO_TOKEN=root", "HOME=" + t.TempDir(),
			"PATH=" + os.Getenv("PATH")}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%v: %s", script, err, out)
		}
		return string(out)
	}

	w := newFixture(nil)
	w.HTTP, w.Now = server.Client(), time.Now
	open := func(options string) registry.Target {
		t.Helper()
		target, err := registry.Open(w.Env, ref(t, "https://pkgs.example/simple/ type=vault role=ci addr="+addr+options))
		if err != nil {
			t.Fatal(err)
		}
		return target
	}
	target := open(" secret=secret/data/pkgs")
	claims := map[string]any{"sub": "repo:acme/app:ref:refs/heads/main", "repository_id": "7"}
	trust, err := target.Row.Trust(w.Env, target, registry.Job{Issuer: issuer.URL, Audience: target.Audience,
		Claims: []registry.Claim{{Name: "sub", Value: "repo:acme/app:ref:refs/heads/main"},
			{Name: "repository_id", Value: "7"}}})
	if err != nil {
		t.Fatal(err)
	}
	shell("vault kv put secret/pkgs username=ci password='a password of pkgs'\n" + trust.Shell)

	job := realJob{issuer, claims}
	cred, err := target.Exchange(t.Context(), w.Env, job.proof())
	if err != nil {
		t.Fatal(said(err))
	}
	if cred.Kind != regpass.Basic || cred.Username != "ci" || cred.Secret.Reveal() != "a password of pkgs" {
		t.Errorf("got %+v", cred)
	}
	if left := time.Until(cred.Expires); left < 14*time.Minute || left > 15*time.Minute {
		t.Errorf("good for %s, not the role's 15 minutes", left)
	}

	// What ends it.
	at, err := url.Parse(target.Revoker.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Row.Revoke(t.Context(), w.Env, at, cred); err != nil {
		t.Error(said(err))
	}
	mustSay(t, target.Row.Revoke(t.Context(), w.Env, at, cred), "vault: log out: POST", "403")

	// Another secret, another job, another role.
	for _, test := range []struct {
		options string
		change  map[string]any
		says    []string
	}{
		{" secret=secret/data/other", nil, []string{"vault: read the secret: GET", "403", "the role's policies lack read"}},
		{" secret=secret/pkgs", nil, []string{"vault: read the secret: GET"}},
		{"", map[string]any{"sub": "repo:acme/other:ref:refs/heads/main"}, []string{"vault: log in: POST", "400",
			"bound_claims do not match these claims", `sub="repo:acme/other`}},
		{"", map[string]any{"repository_id": "8"}, []string{"bound_claims do not match these claims"}},
		{" audience=other", nil, []string{"error validating token", "another audience"}},
		{" path=other", nil, []string{"vault: log in: POST"}},
	} {
		t.Run(fmt.Sprint(test.options, test.change), func(t *testing.T) {
			target := open(test.options)
			other := realJob{issuer, maps.Clone(claims)}
			maps.Copy(other.claims, test.change)
			_, err := target.Exchange(t.Context(), w.Env, other.proof())
			mustSay(t, err, test.says...)
			t.Log(said(err))
		})
	}
	nope, err := registry.Open(w.Env, ref(t, "https://pkgs.example/ type=vault role=nope addr="+addr))
	if err != nil {
		t.Fatal(err)
	}
	_, err = nope.Exchange(t.Context(), w.Env, job.proof())
	mustSay(t, err, "could not be found", "set role=")

	// KV version 1, and a token of the user's.
	shell("vault secrets enable -path=kv -version=1 kv\nvault kv put kv/pkgs token=a-token-of-pkgs")
	cred, err = open(" secret=kv/pkgs").Exchange(t.Context(), w.Env, key(regpass.APIKey, "BAO_TOKEN", "root"))
	if err != nil || cred.Kind != regpass.Bearer || cred.Secret.Reveal() != "a-token-of-pkgs" || !cred.Ender.Empty() {
		t.Errorf("KV version 1: %+v, %v", cred, err)
	}

	// A batch token cannot be revoked, and is said to stay.
	shell("vault write auth/jwt/role/batch role_type=jwt user_claim=sub bound_audiences='" + target.Audience +
		"' token_type=batch token_ttl=5m")
	batch, err := registry.Open(w.Env, ref(t, "https://pkgs.example/ type=vault role=batch addr="+addr))
	if err != nil {
		t.Fatal(err)
	}
	if cred, err = batch.Exchange(t.Context(), w.Env, job.proof()); err != nil {
		t.Fatal(said(err))
	}
	mustSay(t, batch.Row.Revoke(t.Context(), w.Env, at, cred), "vault: log out: POST", "batch tokens cannot be revoked")

	// A namespace.
	shell("vault namespace create team\nexport BAO_NAMESPACE=team\nvault secrets enable -path=secret -version=2 kv\n" +
		"vault kv put secret/pkgs token=a-token-of-the-team\n" + trust.Shell)
	within := open(" secret=secret/data/pkgs namespace=team")
	if cred, err = within.Exchange(t.Context(), w.Env, job.proof()); err != nil {
		t.Fatal(said(err))
	}
	if at, err = url.Parse(within.Revoker.String()); err != nil || cred.Secret.Reveal() != "a-token-of-the-team" {
		t.Errorf("got %q, %v", cred.Secret.Reveal(), err)
	}
	if err := within.Row.Revoke(t.Context(), w.Env, at, cred); err != nil {
		t.Error(said(err))
	}
}
