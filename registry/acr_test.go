package registry_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

// newACR is a fixture with a container registry and both variables.
func newACR() (*fixture, *fake.Entra) {
	w, server := newAzure()
	w.vars["AZURE_TENANT_ID"] = server.Tenant
	return w, server
}

func TestACR(t *testing.T) {
	w, server := newACR()
	cred, err := w.exchange(t.Context(), ref(t, "acmeimages.azurecr.io"), (&job{t: t}).proof())
	if err != nil {
		t.Fatal(said(err), server.Wrong())
	}
	if cred.Registry != "acr" || cred.Host != "acmeimages.azurecr.io" || cred.Kind != regpass.Basic ||
		cred.Username != "00000000-0000-0000-0000-000000000000" || !cred.Expires.Equal(now().Add(3*time.Hour)) {
		t.Errorf("got %+v", cred)
	}
	asked := []string{azureLogin, "POST https://acmeimages.azurecr.io/oauth2/exchange"}
	if !slices.Equal(w.asked, asked) || len(server.Wrong()) > 0 {
		t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
	}
	for _, secret := range append(server.Tokens(), cred.Secret.Reveal()) {
		if !slices.Contains(w.masked, secret) {
			t.Error("a token is not masked")
		}
	}
}

// TestACRStaysInItsCloud fails if an access token of one cloud of Azure is shown to a registry of another, which
// another company may run. On Azure's Kubernetes, AZURE_AUTHORITY_HOST is always set.
func TestACRStaysInItsCloud(t *testing.T) {
	for _, test := range []struct {
		ref, authority string
		refused        bool
	}{
		{"acmeimages.azurecr.io", "https://login.microsoftonline.com/", false},
		{"acmeimages.azurecr.io", "https://LOGIN.microsoftonline.com:443/", false},
		{"evilimages.azurecr.cn", "https://login.microsoftonline.com/", true},
		{"evilimages.azurecr.cn", "https://login.microsoftonline.com:443", true},
		{"evilimages.azurecr.us", "https://login.microsoftonline.com/", true},
		{"evilimages.azurecr.us", "https://login.chinacloudapi.cn", true},
		{"acmeimages.azurecr.io", "https://login.microsoftonline.us", true},
		{azureIndex, "https://login.microsoftonline.us", true},
		{"acmegov.azurecr.us", "https://login.microsoftonline.us", false},
	} {
		for _, trusted := range []bool{false, true} {
			w, _ := newACR()
			w.vars["AZURE_AUTHORITY_HOST"] = test.authority
			r := ref(t, test.ref)
			r.Trusted = trusted
			_, err := registry.Open(w.Env, r)
			if (err != nil) != test.refused {
				t.Errorf("%s at %s: %v", test.ref, test.authority, err)
			}
			if test.refused {
				mustSay(t, err, "is of another cloud of Azure than login.", "unset AZURE_AUTHORITY_HOST")
			}
		}
	}
	// The machine's own identity, where only the checkout names the registry.
	for _, test := range []struct {
		ref, authority  string
		trusted, serves bool
	}{
		{"acmeimages.azurecr.io", "", false, true},
		{"evilimages.azurecr.cn", "", false, false},
		{"evilimages.azurecr.us", "", false, false},
		{"acmechina.azurecr.cn", "", true, true},
		{"acmechina.azurecr.cn", "https://login.chinacloudapi.cn", false, true},
	} {
		w, _ := newACR()
		w.vars["IDENTITY_ENDPOINT"], w.vars["IDENTITY_HEADER"] = "http://localhost:42356/msi/token", "the-secret-of-the-app"
		w.vars["AZURE_AUTHORITY_HOST"] = test.authority
		r := ref(t, test.ref)
		r.Trusted = test.trusted
		target, err := registry.Open(w.Env, r)
		if err != nil {
			t.Fatal(said(err))
		}
		if from := target.Row.Cloud(w.Env, target); (from != "") != test.serves {
			t.Errorf("%s, trusted: %v: the machine's identity is %q", test.ref, test.trusted, from)
		}
	}
}

func TestACRNeeds(t *testing.T) {
	w := newFixture(nil)
	target, err := registry.Open(w.Env, ref(t, "acmeimages.azurecr.io"))
	if err != nil {
		t.Fatal(said(err))
	}
	want := []string{"AZURE_CLIENT_ID or client-id=", "AZURE_TENANT_ID or tenant="}
	if got := target.Missing(w.Env); !slices.Equal(got, want) {
		t.Errorf("missing %q", got)
	}
	if target, err = registry.Open(w.Env, ref(t, azureIndex)); err != nil || len(target.Missing(w.Env)) != 1 {
		t.Errorf("a feed: missing %q, %v", target.Missing(w.Env), err)
	}
}

func TestACRRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*fake.Entra)
		says   []string
	}{
		"subject": {func(e *fake.Entra) { e.Subject = "repo:acme/other:ref:refs/heads/main" },
			[]string{"acr: exchange the CI identity: POST", "AADSTS700213", "`regpass trust acmeimages.azurecr.io`"}},
		"no role": {func(e *fake.Entra) {
			e.Instead(nil, text(401, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`))
		}, []string{"acr: exchange the access token: POST https://acmeimages.azurecr.io/oauth2/exchange: 401",
			"has no role on the registry"}},
		"firewall": {func(e *fake.Entra) {
			e.Instead(nil, text(403, `{"errors":[{"code":"DENIED","message":"client with IP '192.0.2.7' is not allowed access. `+
				`Refer https://aka.ms/acr/firewall to grant access."}]}`))
		}, []string{"the registry's firewall does not let this machine in"}},
	} {
		t.Run(name, func(t *testing.T) {
			w, server := newACR()
			test.change(server)
			j := &job{t: t}
			_, err := w.exchange(t.Context(), ref(t, "acmeimages.azurecr.io"), j.proof())
			mustSay(t, err, test.says...)
			mustHide(t, err, append(j.tokens, server.Tokens()...)...)
		})
	}
	w, _ := newACR()
	password := key(regpass.APIKey, "REGPASS_API_KEY", "a-password-of-it")
	_, err := w.exchange(t.Context(), ref(t, "acmeimages.azurecr.io"), password)
	mustSay(t, err, "type=static username=NAME")
	mustHide(t, err, "a-password-of-it")
	if len(w.asked) > 0 {
		t.Errorf("asked %q", w.asked)
	}
}

func acrWays(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	j := &job{t: t}
	var server *fake.Entra
	entra := way{name: "acr's access token", ref: "acmeimages.azurecr.io", run: by(j.proof()),
		server: func() http.Handler { server = fake.NewEntra(now); return server },
		vars: map[string]string{"AZURE_CLIENT_ID": fake.NewEntra(now).Client,
			"AZURE_TENANT_ID": fake.NewEntra(now).Tenant},
		broken: []string{`{"token_type":"Bearer","expires_in":"3599","access_token":%s}`},
		end:    `{"token_type":"Bearer","expires_in":%s,"access_token":"at-0123456789abcdef"}`,
		sent:   func() []string { return append(slices.Clone(j.tokens), server.Tokens()...) }}
	refresh := entra
	refresh.name, refresh.before, refresh.broken = "acr's refresh token", 1, []string{`{"refresh_token":%s}`}
	refresh.end, refresh.endless = "", true
	return []way{entra, refresh}
}
