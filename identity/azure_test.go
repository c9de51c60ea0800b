package identity_test

import (
	"net/http/httptest"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/fake"
)

// azureStep makes a step that may ask for tokens, of a service connection too if it has an id.
func azureStep(t *testing.T, connection string) (*fake.Azure, map[string]string) {
	t.Helper()
	a := fake.NewAzure(issuer(t))
	a.Connection = connection
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	vars := variables(a.Environ(server.URL, ""))
	vars["SYSTEM_ACCESSTOKEN"] = a.AccessToken()
	return a, vars
}

func TestAzureConnection(t *testing.T) {
	const id = "6f0d1c2e-4a55-4b1e-9f29-0a1b2c3d4e5f"
	a, vars := azureStep(t, id)
	vars["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"] = id
	env, _ := surroundings(vars)
	p, _ := identity.Detect(env, fake.AzureAudience)
	got, err := p.Get(t.Context(), env, fake.AzureAudience)
	if err != nil || got.Claims.Subject != "sc://acme/app/registry" || len(a.Wrong()) > 0 {
		t.Errorf("%q, %v, %q", got.Claims.Subject, err, a.Wrong())
	}

	vars["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"] = "another&api-version=1"
	_, err = p.Get(t.Context(), env, fake.AzureAudience)
	wants(t, err, nil, "400 Bad Request", "a service connection that this pipeline may use")
}

// A registry that wants another audience gets no token that is for Entra ID, and none is asked for.
func TestAzureOtherAudience(t *testing.T) {
	a, vars := azureStep(t, "")
	env, _ := surroundings(vars)
	_, err := get(t, "azure", env)
	wants(t, err, regpass.ErrNoIdentity,
		`its ID tokens are all for the audience "api://AzureADTokenExchange", not for "pyx"`, "API key")
	if asked := a.Asked(); len(asked) > 0 {
		t.Errorf("asked %q", asked)
	}
}

func TestAzureWithoutAccessToken(t *testing.T) {
	_, vars := azureStep(t, "")
	vars["SYSTEM_ACCESSTOKEN"] = ""
	env, _ := surroundings(vars)
	p, _ := identity.Detect(env, fake.AzureAudience)
	_, err := p.Get(t.Context(), env, fake.AzureAudience)
	wants(t, err, regpass.ErrNoIdentity, "SYSTEM_ACCESSTOKEN is not set",
		"env:\n  SYSTEM_ACCESSTOKEN: $(System.AccessToken)")
}
