//go:build services

package registry_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
)

// startKeycloak runs Keycloak with a realm, and returns the realm's issuer. The folder that holds it is left as it is:
// the server writes next to a copy of its links.
func startKeycloak(t *testing.T, realm map[string]any) (issuer string) {
	t.Helper()
	installed, home, at := service(t, "keycloak"), t.TempDir(), freeAddress(t)
	for _, name := range []string{"lib", "conf", "providers", "themes"} {
		if err := os.Symlink(filepath.Join(installed, name), filepath.Join(home, name)); err != nil {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile(filepath.Join(installed, "bin/kc.sh"))
	if err != nil {
		t.Fatal(err)
	}
	imported, err := json.Marshal(realm)
	if err != nil {
		t.Fatal(err)
	}
	for path, file := range map[string]struct {
		content []byte
		mode    fs.FileMode
	}{"bin/kc.sh": {script, 0o700}, "data/import/acme.json": {imported, 0o600}} {
		path = filepath.Join(home, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.content, file.mode); err != nil {
			t.Fatal(err)
		}
	}
	start(t, "Listening on:", func(ctx context.Context) *exec.Cmd {
		c := exec.CommandContext(ctx, filepath.Join(home, "bin/kc.sh"), "start", "--optimized", "--import-realm",
			"--http-enabled=true", "--http-host=127.0.0.1", "--http-port="+strings.TrimPrefix(at, "127.0.0.1:"),
			"--hostname=http://"+at)
		c.Dir, c.Env = home, []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"),
			"JAVA_OPTS_APPEND=-XX:TieredStopAtLevel=1"}
		return c
	})
	return "http://" + at + "/realms/acme"
}

const (
	keycloakSubject = "repo:acme/app:ref:refs/heads/main"
	keycloakSecret  = "s3cr&t of a client"
)

// keycloakRealm is a realm that trusts the job in the two ways that its page in docs/registries tells: as the client
// app-main, and as the user app-main for the client regpass. A third client exchanges the realm's own tokens.
func keycloakRealm(job realJob) map[string]any {
	type object = map[string]any
	confidential := func(id string, attributes object, more object) object {
		client := object{"clientId": id, "publicClient": false, "secret": keycloakSecret, "attributes": attributes}
		for name, value := range more {
			client[name] = value
		}
		return client
	}
	return object{"realm": "acme", "enabled": true, "sslRequired": "none",
		"identityProviders": []any{object{"alias": "ci", "providerId": "oidc", "enabled": true, "config": object{
			"issuer": job.issuer.URL, "useJwksUrl": "true", "jwksUrl": job.issuer.URL + "/.well-known/jwks",
			"validateSignature": "true", "supportsClientAssertions": "true", "jwtAuthorizationGrantEnabled": "true",
			"clientId": "none", "clientSecret": "none", // only for people who log in
			"authorizationUrl": job.issuer.URL + "/none", "tokenUrl": job.issuer.URL + "/none"}}},
		"clients": []any{
			confidential("app-main", object{"jwt.credential.issuer": "ci", "jwt.credential.sub": keycloakSubject},
				object{"serviceAccountsEnabled": true, "clientAuthenticatorType": "federated-jwt"}),
			confidential("regpass", object{"oauth2.jwt.authorization.grant.enabled": "true",
				"oauth2.jwt.authorization.grant.idp": "ci"},
				object{"directAccessGrantsEnabled": true, "protocolMappers": []any{object{"name": "exchange",
					"protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
					"config": object{"included.client.audience": "exchange", "access.token.claim": "true"}}}}),
			confidential("exchange", object{"standard.token.exchange.enabled": "true"}, nil),
		},
		"users": []any{object{"username": "app-main", "enabled": true, "email": "app@acme.example", "firstName": "App",
			"lastName": "Main", "credentials": []any{object{"type": "password", "value": keycloakSecret}},
			"federatedIdentities": []any{object{"identityProvider": "ci", "userId": keycloakSubject,
				"userName": "app-main"}}}}}
}

// keycloakToken is a token of Keycloak's own as an identity.
type keycloakToken struct{ token regpass.Secret }

// Identity is registry.Identities.
func (k keycloakToken) Identity(context.Context, string) (regpass.Identity, error) {
	claims, err := regpass.DecodeJWT(k.token)
	return regpass.Identity{Provider: "file", Token: k.token, Claims: claims, PolicyClaims: []string{"sub"}}, err
}

// newKeycloakToken logs the user of the realm in with a password.
func newKeycloakToken(t *testing.T, issuer string) keycloakToken {
	t.Helper()
	got, err := http.PostForm(issuer+"/protocol/openid-connect/token", url.Values{"grant_type": {"password"},
		"client_id": {"regpass"}, "client_secret": {keycloakSecret}, "username": {"app-main"},
		"password": {keycloakSecret}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	var answer struct {
		Token string `json:"access_token"`
		Error string `json:"error_description"`
	}
	if err := json.NewDecoder(got.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("%s: %q, %v", got.Status, answer.Error, err)
	}
	return keycloakToken{regpass.NewSecret(answer.Token)}
}

// keycloakKnows is the status with which Keycloak answers a token's question who it is.
func keycloakKnows(t *testing.T, issuer string, token regpass.Secret) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		issuer+"/protocol/openid-connect/userinfo", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token.Reveal())
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = got.Body.Close()
	return got.StatusCode
}

// TestKeycloakIsReal has Keycloak take a job's identity by the two ways of RFC 7523, and its own token by RFC 8693.
func TestKeycloakIsReal(t *testing.T) {
	job := newRealJob(t, map[string]any{"sub": keycloakSubject, "repository_id": "7"})
	began := time.Now()
	issuer := startKeycloak(t, keycloakRealm(job))
	t.Logf("Keycloak started in %s", time.Since(began))
	own := newKeycloakToken(t, issuer)
	w := newFixture(nil)
	w.HTTP, w.Now = http.DefaultClient, time.Now
	w.vars["THE_SECRET"] = keycloakSecret

	const (
		user     = "type=jwt-bearer scope=openid client-id=regpass client-secret-var=THE_SECRET"
		exchange = "type=token-exchange scope=openid client-id=exchange client-secret-var=THE_SECRET"
	)
	proof := func(of registry.Identities) registry.Proof {
		return registry.Proof{Method: regpass.OIDC, From: "a job", Identities: of}
	}
	open := func(options string) registry.Target {
		t.Helper()
		target, err := registry.Open(w.Env, ref(t, "https://pkgs.example/simple/ issuer="+issuer+" "+options))
		if err != nil {
			t.Fatal(said(err))
		}
		return target
	}
	for _, test := range []struct {
		options string
		shows   registry.Identities
		client  string
		revoked bool
	}{
		{"type=jwt-bearer grant=client", job, "app-main", false},
		{"type=jwt-bearer grant=client client-id=app-main", job, "app-main", false},
		{user, job, "regpass", true},
		{user + " client-auth=post", job, "regpass", true},
		{exchange + " subject-token-type=access_token audience=exchange", own, "exchange", true},
	} {
		t.Run(test.options, func(t *testing.T) {
			target := open(test.options)
			cred, err := target.Exchange(t.Context(), w.Env, proof(test.shows))
			if err != nil {
				t.Fatal(said(err))
			}
			claims, err := regpass.DecodeJWT(cred.Secret)
			if err != nil || claims.Issuer != issuer || claims.All["azp"] != test.client || cred.Kind != regpass.Bearer {
				t.Errorf("got %+v of %+v, %v", cred, claims, err)
			}
			if left := time.Until(cred.Expires); left < 4*time.Minute || left > 5*time.Minute {
				t.Errorf("good for %s, not the realm's 5 minutes", left)
			}
			at, err := url.Parse(target.Revoker.String())
			if err != nil {
				t.Fatal(err)
			}
			if !test.revoked {
				if err := target.Row.Revoke(t.Context(), w.Env, at, cred); !errors.Is(err, registry.ErrEndsItself) {
					t.Errorf("revoke: %v", err)
				}
				return
			}
			if got := keycloakKnows(t, issuer, cred.Secret); got != http.StatusOK {
				t.Errorf("the token is not good: %d", got)
			}
			if err := target.Row.Revoke(t.Context(), w.Env, at, cred); err != nil {
				t.Error(said(err))
			}
			if got := keycloakKnows(t, issuer, cred.Secret); got != http.StatusUnauthorized {
				t.Errorf("the token is not revoked: %d", got)
			}
		})
	}

	// An identity is good for one request.
	again, err := job.Identity(t.Context(), issuer)
	if err != nil {
		t.Fatal(err)
	}
	once := proof(keycloakToken{again.Token})
	if _, err := open("type=jwt-bearer grant=client").Exchange(t.Context(), w.Env, once); err != nil {
		t.Error(said(err))
	}
	_, err = open("type=jwt-bearer grant=client").Exchange(t.Context(), w.Env, once)
	mustSay(t, err, "invalid_client", "reuse")
	t.Log(said(err))

	other := job.with(map[string]any{"sub": "repo:acme/other:ref:refs/heads/main"})
	for _, test := range []struct {
		options string
		shows   registry.Identities
		says    []string
	}{
		{"type=jwt-bearer grant=client audience=other", job, []string{"400", "Invalid token audience", "its own issuer"}},
		{"type=jwt-bearer grant=client", other, []string{"401", "invalid_client", "issuer and subject"}},
		{"type=jwt-bearer grant=client", job.with(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}),
			[]string{"400", "Token is not active"}},
		{user + " audience=other", job, []string{"400", "Invalid token audience", "its own issuer"}},
		{user, other, []string{"400", "User not found", "link a user"}},
		{"type=jwt-bearer client-id=exchange client-secret-var=THE_SECRET", job,
			[]string{"400", "not supported for the requested client", "allow the client"}},
		{"type=jwt-bearer", job, []string{"401", "invalid_client", "client-secret-var="}},
		{exchange, job, []string{"400", "supports access tokens only", "type=jwt-bearer"}},
		{exchange + " subject-token-type=access_token", job, []string{"400", "Invalid token", "type=jwt-bearer"}},
	} {
		t.Run("refused: "+test.options, func(t *testing.T) {
			_, err := open(test.options).Exchange(t.Context(), w.Env, proof(test.shows))
			mustSay(t, err, test.says...)
			t.Log(said(err))
		})
	}
}
