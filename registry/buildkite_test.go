package registry_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
)

const buildkiteIndex = "https://packages.buildkite.com/acme/main/pypi/simple"

// lasting is a CI whose identities live for that long.
type lasting struct {
	t     *testing.T
	life  time.Duration
	asked int
	token string
}

// Identity is registry.Identities.
func (l *lasting) Identity(_ context.Context, audience string) (regpass.Identity, error) {
	l.asked++
	l.token = signed(l.t, jwt.MapClaims{"aud": audience, "iat": now().Unix(), "exp": now().Add(l.life).Unix()})
	claims, err := regpass.DecodeJWT(regpass.NewSecret(l.token))
	return regpass.Identity{Token: regpass.NewSecret(l.token), Claims: claims}, err
}

func TestBuildkite(t *testing.T) {
	w, l := newFixture(http.NotFoundHandler()), &lasting{t: t, life: 5 * time.Minute}
	cred, err := w.exchange(t.Context(), ref(t, buildkiteIndex), registry.Proof{Method: regpass.OIDC, Identities: l})
	if err != nil {
		t.Fatal(said(err))
	}
	claims, err := regpass.DecodeJWT(cred.Secret)
	if err != nil || cred.Secret.Reveal() != l.token || cred.Kind != regpass.Basic || cred.Username != "buildkite" ||
		cred.Host != "packages.buildkite.com" || !cred.Expires.Equal(now().Add(5*time.Minute)) || len(w.asked) > 0 ||
		claims.Audience[0] != "https://packages.buildkite.com/acme/main" {
		t.Errorf("%+v, %v, for %q, asked %q", cred, err, claims.Audience, w.asked)
	}
	cred, err = w.exchange(t.Context(), ref(t, buildkiteIndex), key(regpass.APIKey, "REGPASS_API_KEY", "a-registry-token"))
	if err != nil || cred.Kind != regpass.Basic || cred.Username != "buildkite" {
		t.Errorf("a key: %+v, %v", cred, err)
	}
}

// TestBuildkiteScope fails if the identity for one package registry would be sent for another.
func TestBuildkiteScope(t *testing.T) {
	scopes := map[string]bool{}
	for _, path := range []string{"acme/main", "acme/other/pypi/simple", "other/main"} {
		target, err := registry.Open(newFixture(nil).Env, ref(t, "https://packages.buildkite.com/"+path))
		if err != nil {
			t.Fatal(err)
		}
		scopes[target.ScopeFor(regpass.OIDC)] = true
	}
	if len(scopes) != 3 {
		t.Errorf("%v", scopes)
	}
}

func TestBuildkiteRefusals(t *testing.T) {
	l := &lasting{t: t, life: time.Hour}
	p := registry.Proof{Method: regpass.OIDC, From: "CircleCI", Identities: l}
	_, err := newFixture(http.NotFoundHandler()).exchange(t.Context(), ref(t, buildkiteIndex), p)
	mustSay(t, err, "buildkite: take the CI identity", "the ID token from CircleCI lives for 60m", "only those of 5m0s",
		"REGPASS_API_KEY")
	mustHide(t, err, l.token)
	if l.asked != 1 {
		t.Errorf("%d identities", l.asked)
	}
	for _, path := range []string{"", "acme", "acme/ma%2Fin", "../x"} {
		r, err := regpass.ParseRef("https://packages.buildkite.com/" + path)
		if err != nil {
			continue // a .. is refused before
		}
		r.Trusted = true
		_, err = newFixture(http.NotFoundHandler()).exchange(t.Context(), r, p)
		mustSay(t, err, "does not name a package registry", "ORGANIZATION/REGISTRY")
	}
}
