//go:build services

package registry_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
)

// startVault runs OpenBao or HashiCorp's Vault in development mode, and returns its program and its address. ./check
// runs neither: no package registry has OpenBao, and Vault takes minutes to build. Whoever has a program names it:
//
//	REGPASS_BAO=/usr/local/bin/bao go test -tags services -run TestVaultIsReal ./registry
//	REGPASS_VAULT=/usr/local/bin/vault go test -tags services -run TestVaultIsReal ./registry
func startVault(t *testing.T) (program, addr string, isBao bool) {
	t.Helper()
	bao := os.Getenv("REGPASS_BAO")
	if program = cmp.Or(bao, os.Getenv("REGPASS_VAULT")); program == "" {
		t.Fatal("neither REGPASS_BAO nor REGPASS_VAULT says where the program is")
	}
	at := freeAddress(t)
	// Of the lines that it prints, this is the last before it serves.
	start(t, "Root Token:", func(ctx context.Context) *exec.Cmd {
		c := exec.CommandContext(ctx, program, "server", "-dev", "-dev-no-store-token", "-dev-root-token-id=root",
			"-dev-listen-address="+at)
		c.Dir, c.Env = t.TempDir(), []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
		return c
	})
	return program, "http://" + at, bao != ""
}

// TestVaultIsReal has Vault, or OpenBao, run the commands of `regpass trust`, and takes a secret from it.
func TestVaultIsReal(t *testing.T) {
	program, addr, isBao := startVault(t)
	job := newRealJob(t, map[string]any{"sub": "repo:acme/app:ref:refs/heads/main", "repository_id": "7"})
	shell := func(script string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", `vault() { "$PROGRAM" "$@"; }`+"\n"+script)
		c.Env = []string{"PROGRAM=" + program, "VAULT_ADDR=" + addr, "VAULT_TOKEN=root", "HOME=" + t.TempDir(),
			"PATH=" + os.Getenv("PATH")}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%v: %s", script, err, out)
		}
		return string(out)
	}

	w := newFixture(nil)
	w.HTTP, w.Now = http.DefaultClient, time.Now
	open := func(options string) registry.Target {
		t.Helper()
		target, err := registry.Open(w.Env, ref(t, "https://pkgs.example/simple/ type=vault role=ci addr="+addr+options))
		if err != nil {
			t.Fatal(err)
		}
		return target
	}
	target := open(" secret=secret/data/pkgs")
	trust, err := target.Row.Trust(w.Env, target, registry.Job{Issuer: job.issuer.URL, Audience: target.Audience,
		Claims: []registry.Claim{{Name: "sub", Value: "repo:acme/app:ref:refs/heads/main"},
			{Name: "repository_id", Value: "7"}}})
	if err != nil {
		t.Fatal(err)
	}
	shell("vault kv put secret/pkgs username=ci password='a password of pkgs'\n" + trust.Shell)

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
			_, err := target.Exchange(t.Context(), w.Env, job.with(test.change).proof())
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

	// A namespace, which Vault has only for those who pay.
	if !isBao {
		return
	}
	shell("vault namespace create team\nexport VAULT_NAMESPACE=team\nvault secrets enable -path=secret -version=2 kv\n" +
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
