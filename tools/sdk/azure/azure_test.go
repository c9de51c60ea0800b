// Package azure compares what regpass sends to Azure with what Microsoft's own SDK for Go sends.
package azure

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

// resources are what the two kinds of registries need access tokens for, and a registry of each.
var resources = map[string]string{
	"499b84ac-1321-427f-aa17-267ca6975798": "https://pkgs.dev.azure.com/acme/_packaging/main/pypi/simple/",
	"https://containerregistry.azure.net":  "acmeimages.azurecr.io",
}

// identity is a CI's token for the audience of federated credentials.
func identity(t *testing.T) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"aud": "api://AzureADTokenExchange",
		"iss": "https://token.actions.githubusercontent.com", "sub": "repo:acme/app:ref:refs/heads/main",
		"exp": time.Now().Add(5 * time.Minute).Unix()}).SignedString([]byte("toy"))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// job is a CI with one identity.
type job struct{ token string }

// Identity is registry.Identities.
func (j job) Identity(context.Context, string) (regpass.Identity, error) {
	secret := regpass.NewSecret(j.token)
	claims, err := regpass.DecodeJWT(secret)
	return regpass.Identity{Provider: "github", Token: secret, Claims: claims}, err
}

// bySDK gets an access token with Microsoft's SDK.
func bySDK(t *testing.T, server *httptest.Server, entra *fake.Entra, assertion, resource string) (string, error) {
	t.Helper()
	credential, err := azidentity.NewClientAssertionCredential(entra.Tenant, entra.Client,
		func(context.Context) (string, error) { return assertion, nil },
		&azidentity.ClientAssertionCredentialOptions{DisableInstanceDiscovery: true,
			ClientOptions: azcore.ClientOptions{Transport: server.Client(), Retry: policy.RetryOptions{MaxRetries: -1},
				Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: server.URL}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{resource + "/.default"}})
	return got.Token, err
}

// byRegpass gets a registry's credential with regpass, whose network is handler, by the proof.
func byRegpass(t *testing.T, handler http.Handler, vars map[string]string, text string, p registry.Proof) (
	regpass.Credential, error) {
	t.Helper()
	ref, err := regpass.ParseRef(text)
	if err != nil {
		t.Fatal(err)
	}
	ref.Trusted, ref.Origin = true, "a test"
	env := &regpass.Env{Getenv: func(name string) string { return vars[name] }, Now: time.Now, Stderr: io.Discard,
		Mask: func(...regpass.Secret) {}, Wait: func(context.Context, time.Duration) error { return nil },
		HTTP: &http.Client{Transport: network{handler}}}
	target, err := registry.Open(env, ref)
	if err != nil {
		return regpass.Credential{}, err
	}
	return target.Exchange(t.Context(), env, p)
}

// network is one handler that answers for every host.
type network struct{ http.Handler }

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	n.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// asked is one request, as far as it matters.
type asked struct {
	what   string // method and path
	header http.Header
	query  url.Values
	form   url.Values
}

// listen is the handler, and what it was asked.
func listen(t *testing.T, to http.Handler) (http.Handler, *[]asked) {
	t.Helper()
	var all []asked
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			t.Error(err)
		}
		all = append(all, asked{r.Method + " " + r.URL.Path, r.Header, r.URL.Query(), form})
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		to.ServeHTTP(w, r)
	}), &all
}

// last is the last request to a path that ends so.
func last(t *testing.T, all []asked, suffix string) asked {
	t.Helper()
	for _, a := range slices.Backward(all) {
		if strings.HasSuffix(a.what, suffix) {
			return a
		}
	}
	t.Fatalf("nothing asked for %s", suffix)
	return asked{}
}

// compare fails for each name whose values differ and are not allowed to.
func compare(t *testing.T, what string, sdk, ours map[string][]string, allowed map[string]string) {
	t.Helper()
	names := slices.Sorted(maps.Keys(sdk))
	for name := range ours {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		_, different := allowed[name]
		if same := slices.Equal(sdk[name], ours[name]); same == different {
			t.Errorf("%s %s: the SDK sends %q, regpass %q, and they may differ: %v", what, name, sdk[name], ours[name],
				different)
		}
	}
}

// allowedForm are the differences in the form that are meant, each with its reason.
var allowedForm = map[string]string{
	"client_info": "MSAL asks for the account of a person, for its cache",
	"scope":       "MSAL adds the scopes of a sign-in, which the grant of client credentials ignores",
}

// allowedHeaders are the differences in the headers.
var allowedHeaders = map[string]string{
	"Accept":                     "regpass says that it reads JSON",
	"Accept-Encoding":            "of the transport: the other requests here go over none",
	"Client-Request-Id":          "telemetry",
	"Content-Length":             "the forms have different lengths",
	"Content-Type":               "MSAL adds a charset, which RFC 6749 does not have in its examples",
	"Return-Client-Request-Id":   "telemetry",
	"User-Agent":                 "each its own",
	"X-Client-Cpu":               "telemetry",
	"X-Client-Current-Telemetry": "telemetry",
	"X-Client-Last-Telemetry":    "telemetry",
	"X-Client-Os":                "telemetry",
	"X-Client-Sku":               "telemetry",
	"X-Client-Ver":               "telemetry",
	"X-Ms-Lib-Capability":        "says that MSAL honours a wait",
}

func TestClientAssertion(t *testing.T) {
	for resource, text := range resources {
		t.Run(text, func(t *testing.T) {
			entra := fake.NewEntra(time.Now)
			handler, all := listen(t, entra)
			server := httptest.NewTLSServer(handler)
			defer server.Close()
			assertion := identity(t)

			token, err := bySDK(t, server, entra, assertion, resource)
			if err != nil || !slices.Contains(entra.Tokens(), token) {
				t.Fatalf("the SDK gets no token: %v, %q", err, entra.Wrong())
			}
			const path = "/oauth2/v2.0/token"
			sdk := last(t, *all, path)

			cred, err := byRegpass(t, handler, map[string]string{"AZURE_CLIENT_ID": entra.Client,
				"AZURE_TENANT_ID": entra.Tenant, "AZURE_AUTHORITY_HOST": server.URL}, text,
				registry.Proof{Method: regpass.OIDC, From: "a job", Identities: job{assertion}})
			if err != nil || cred.Secret.Empty() || len(entra.Wrong()) > 0 {
				t.Fatalf("regpass gets no credential: %v, %q", err, entra.Wrong())
			}
			ours := last(t, *all, path)

			if sdk.what != ours.what || len(sdk.query) > 0 || len(ours.query) > 0 {
				t.Errorf("the SDK asks %s?%v, regpass %s?%v", sdk.what, sdk.query, ours.what, ours.query)
			}
			compare(t, "field", sdk.form, ours.form, allowedForm)
			if want := ours.form.Get("scope") + " openid offline_access profile"; sdk.form.Get("scope") != want {
				t.Errorf("the SDK's scope is %q, not %q", sdk.form.Get("scope"), want)
			}
			compare(t, "header", sdk.header, ours.header, allowedHeaders)
			if media, _, _ := strings.Cut(sdk.header.Get("Content-Type"), ";"); media != ours.header.Get("Content-Type") {
				t.Errorf("the SDK sends %q", media)
			}
		})
	}
}

// TestRefusal fails if the SDK does not read the fake's refusals as those of Entra.
func TestRefusal(t *testing.T) {
	entra := fake.NewEntra(time.Now)
	entra.Subject = "repo:acme/other:ref:refs/heads/main"
	server := httptest.NewTLSServer(entra)
	defer server.Close()
	_, err := bySDK(t, server, entra, identity(t), "https://containerregistry.azure.net")
	if err == nil || !strings.Contains(err.Error(), "AADSTS700213") {
		t.Errorf("the SDK says %v", err)
	}
}

// TestManagedIdentity compares the questions to the metadata service of a machine and of an app.
func TestManagedIdentity(t *testing.T) {
	for name, test := range map[string]struct {
		resource string // of its own, because MSAL keeps tokens for the whole process
		vars     map[string]string
	}{
		"virtual machine": {"https://containerregistry.azure.net",
			map[string]string{"IDENTITY_ENDPOINT": "", "IDENTITY_HEADER": ""}},
		"app": {"499b84ac-1321-427f-aa17-267ca6975798",
			map[string]string{"IDENTITY_ENDPOINT": "http://localhost:42356/msi/token",
				"IDENTITY_HEADER": fake.NewEntra(time.Now).MachineSecret}},
	} {
		for _, client := range []string{"", fake.NewEntra(time.Now).Client} {
			t.Run(name+" "+client, func(t *testing.T) {
				entra := fake.NewEntra(time.Now)
				handler, all := listen(t, entra)
				for name, value := range test.vars {
					t.Setenv(name, value)
				}
				options := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: azcore.ClientOptions{
					Transport: &http.Client{Transport: network{handler}}, Retry: policy.RetryOptions{MaxRetries: -1}}}
				if client != "" {
					options.ID = azidentity.ClientID(client)
				}
				credential, err := azidentity.NewManagedIdentityCredential(options)
				if err != nil {
					t.Fatal(err)
				}
				got, err := credential.GetToken(t.Context(),
					policy.TokenRequestOptions{Scopes: []string{test.resource + "/.default"}})
				if err != nil || !slices.Contains(entra.Tokens(), got.Token) {
					t.Fatalf("the SDK gets no token: %v, %q", err, entra.Wrong())
				}
				sdk := last(t, *all, "/token")

				mine := maps.Clone(test.vars)
				mine["AZURE_CLIENT_ID"] = client
				if _, err := byRegpass(t, handler, mine, resources[test.resource],
					registry.Proof{Method: regpass.Cloud}); err != nil {
					t.Fatalf("regpass gets no credential: %v, %q", err, entra.Wrong())
				}
				ours := last(t, *all, "/token")
				if sdk.what != ours.what {
					t.Errorf("the SDK asks %s, regpass %s", sdk.what, ours.what)
				}
				compare(t, "parameter", sdk.query, ours.query, nil)
				for _, header := range []string{"Metadata", "X-Identity-Header"} {
					if !slices.Equal(sdk.header.Values(header), ours.header.Values(header)) {
						t.Errorf("%s: the SDK sends %q, regpass %q", header, sdk.header.Values(header), ours.header.Values(header))
					}
				}
			})
		}
	}
}
