package registry_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

const (
	azureIndex    = "https://pkgs.dev.azure.com/acme/_packaging/main/pypi/simple/"
	azureOldIndex = "https://acme.pkgs.visualstudio.com/app/_packaging/main/pypi/simple/"
	azureLogin    = "POST https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/oauth2/v2.0/token"
	azureAsset    = "7783-7084-3265-9085-8269-3286-77"
	otherTenant   = "99999999-2222-4333-8444-555555555555"
)

// newAzure is a fixture with a tenant, whose application is in AZURE_CLIENT_ID.
func newAzure() (*fixture, *fake.Entra) {
	server := fake.NewEntra(now)
	w := newFixture(server)
	w.vars["AZURE_CLIENT_ID"] = server.Client
	return w, server
}

func TestAzureArtifacts(t *testing.T) {
	for name, test := range map[string]struct {
		ref   string
		proof registry.Proof
		user  string
		asked []string
	}{
		"identity": {azureIndex, (&job{t: t}).proof(), "VssSessionToken", []string{"GET " + azureIndex, azureLogin}},
		"project": {azureOldIndex, (&job{t: t}).proof(), "VssSessionToken",
			[]string{"GET " + azureOldIndex, azureLogin}},
		"personal access token": {azureIndex, key(regpass.APIKey, "REGPASS_API_KEY", strings.Repeat("pat", 20)),
			"VssSessionToken", nil},
		"user name": {azureIndex, registry.Proof{Method: regpass.ReadyToken, From: "a variable", Kind: regpass.Basic,
			Username: "build", Secret: regpass.NewSecret(strings.Repeat("pat", 20))}, "build", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w, server := newAzure()
			cred, err := w.exchange(t.Context(), ref(t, test.ref), test.proof)
			if err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if cred.Registry != "azure-artifacts" || cred.Kind != regpass.Basic || cred.Username != test.user ||
				cred.Host != ref(t, test.ref).Host {
				t.Errorf("got %+v", cred)
			}
			if minted := test.proof.Method == regpass.OIDC; minted != cred.Expires.Equal(now().Add(time.Hour)) {
				t.Errorf("ends at %s", cred.Expires)
			}
			if !slices.Equal(w.asked, test.asked) || len(server.Wrong()) > 0 {
				t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
			}
		})
	}
}

// TestAzureTenant fails if anything but a GUID is taken of what a feed says, or if it wins over the user's own tenant.
func TestAzureTenant(t *testing.T) {
	const ours = "11111111-2222-4333-8444-555555555555"
	for name, test := range map[string]struct {
		feed, want string // what the feed says, and AZURE_TENANT_ID
		says       string // the error; empty: it goes well
	}{
		"found":             {ours, "", ""},
		"the same":          {ours, strings.ToUpper(ours), ""},
		"public, but named": {"", ours, ""},
		"differs": {otherTenant, ours,
			"is of the tenant " + otherTenant + ", and AZURE_TENANT_ID or tenant= is " + ours},
		"public": {"", "", "names none"},
		"no tenant": {"00000000-0000-0000-0000-000000000000", "",
			"the organization acme is of no Entra tenant"},
		"another authority":   {"https://evil.example/" + ours, "", "names none"},
		"a path":              {ours + "/../" + otherTenant, "", "names none"},
		"a domain":            {"evil.onmicrosoft.com", "", "names none"},
		"common":              {"common", "", "names none"},
		"two":                 {ours + "," + ours, "", "names none"},
		"nonsense, but named": {"https://evil.example/", ours, ""},
		"the user's is no GUID": {ours, "contoso.onmicrosoft.com",
			`AZURE_TENANT_ID is "contoso.onmicrosoft.com", which is no GUID`},
		"another tenant is found": {otherTenant, "", "AADSTS90002"},
	} {
		t.Run(name, func(t *testing.T) {
			w, server := newAzure()
			server.FeedTenant = test.feed
			w.vars["AZURE_TENANT_ID"] = test.want
			j := &job{t: t}
			_, err := w.exchange(t.Context(), ref(t, azureIndex), j.proof())
			if test.says == "" && err != nil {
				t.Fatal(said(err))
			}
			if test.says != "" {
				mustSay(t, err, test.says)
				mustHide(t, err, j.tokens...)
			}
			if test.says != "" && test.says != "AADSTS90002" && len(j.tokens) > 0 {
				t.Errorf("an identity was made, and shown to %q", w.asked)
			}
			for _, asked := range w.asked {
				if asked != "GET "+azureIndex && !strings.HasPrefix(asked, "POST https://login.microsoftonline.com/") {
					t.Errorf("asked %q", asked)
				}
			}
		})
	}
}

// TestAzureFeedOnlyAsked fails if the other headers of a feed's refusal send anything anywhere.
func TestAzureFeedOnlyAsked(t *testing.T) {
	w, server := newAzure()
	server.Instead(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-VSS-ResourceTenant", server.Tenant)
		w.Header().Set("X-VSS-AuthorizationEndpoint", "https://evil.example/acme/")
		w.Header().Set("WWW-Authenticate", "Bearer authorization_uri=https://evil.example/"+server.Tenant)
		w.WriteHeader(http.StatusUnauthorized)
	})
	if _, err := w.exchange(t.Context(), ref(t, azureIndex), (&job{t: t}).proof()); err != nil {
		t.Fatal(said(err))
	}
	if !slices.Equal(w.asked, []string{"GET " + azureIndex, azureLogin}) {
		t.Errorf("asked %q", w.asked)
	}
}

func TestAzureRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*fake.Entra)
		says   []string
	}{
		"subject": {func(e *fake.Entra) { e.Subject = "repo:acme@5/app@7:ref:refs/heads/main" },
			[]string{"azure-artifacts: exchange the CI identity: POST", "401", "AADSTS700213",
				"presented assertion subject 'repo:acme/app:ref:refs/heads/main'", "has this subject, letter by letter",
				"5 minutes", `sub="repo:acme/app:ref:refs/heads/main"`, "`regpass trust https://pkgs.dev.azure.com/acme"}},
		"audience": {func(e *fake.Entra) { e.Audience = "other" }, []string{"is for another audience"}},
		"issuer": {func(e *fake.Entra) { e.Issuer = "https://token.actions.githubusercontent.com" },
			[]string{"has this issuer"}},
		"application": {func(e *fake.Entra) { e.Client = otherTenant },
			[]string{"the tenant has no application with this client id"}},
		"tenant": {func(e *fake.Entra) { e.FeedTenant = otherTenant }, []string{"there is no such tenant in this cloud"}},
		"clock": {func(e *fake.Entra) { e.Now = func() time.Time { return now().Add(time.Hour) } },
			[]string{"look at the clock"}},
		"no feed": {func(e *fake.Entra) { e.Instead(text(404, `{"message":"The feed main does not exist."}`)) },
			[]string{"azure-artifacts: ask the feed for its tenant: GET", "404", "The feed main does not exist."}},
	} {
		t.Run(name, func(t *testing.T) {
			w, server := newAzure()
			client := server.Client
			test.change(server)
			w.vars["AZURE_CLIENT_ID"] = client
			j := &job{t: t}
			_, err := w.exchange(t.Context(), ref(t, azureIndex), j.proof())
			mustSay(t, err, test.says...)
			mustHide(t, err, j.tokens...)
			if len(w.asked) > 2 {
				t.Errorf("it was tried again: %q", w.asked)
			}
		})
	}
}

// TestAzureTriesAgain fails if a new try shows an identity that a lost answer may have spent.
func TestAzureTriesAgain(t *testing.T) {
	w, server := newAzure()
	server.Instead(text(503, ""), nil, text(429, `{"error":"temporarily_unavailable","error_description":"AADSTS90033"}`))
	j := &job{t: t}
	if _, err := w.exchange(t.Context(), ref(t, azureIndex), j.proof()); err != nil {
		t.Fatal(said(err))
	}
	if len(j.tokens) != 2 || len(w.asked) != 4 {
		t.Errorf("%d identities, asked %q", len(j.tokens), w.asked)
	}
}

func TestAzureHosts(t *testing.T) {
	for text, name := range map[string]string{
		azureIndex:    "azure-artifacts",
		azureOldIndex: "azure-artifacts",
		"https://PKGS.dev.azure.com/acme/app/_packaging/main/npm/registry/": "azure-artifacts",
		"https://pkgs.dev.azure.com:8443/acme/_packaging/main/pypi/simple/": "static",
		"https://xpkgs.dev.azure.com/acme/_packaging/main/pypi/simple/":     "static",
		"https://pkgs.dev.azure.com.evil.example/acme/_packaging/main/":     "static",
		"https://a.b.pkgs.visualstudio.com/_packaging/main/pypi/simple/":    "static",
		"https://pkgs.visualstudio.com/acme/_packaging/main/pypi/simple/":   "static",
		"https://acme.pkgs.visualstudio.com.evil.example/_packaging/main/":  "static",
		"acmeimages.azurecr.io":               "acr",
		"https://contoso-a1b2c3d4.azurecr.io": "acr",
		"acmegov.azurecr.us":                  "acr",
		"acmechina.azurecr.cn":                "acr",
		"acmeimages.azurecr.io:5000":          "static",
		"acmeimages.azurecr.io.evil.example":  "static",
		"acmeazurecr.io":                      "static",
		"acme.westeurope.data.azurecr.io":     "static",
		"abc.azurecr.io":                      "static",
		"acmeimages.azurecr.example":          "static",
	} {
		row, err := registry.Find(newFixture(nil).Env, ref(t, text))
		if err != nil || row.Name != name {
			t.Errorf("%s is %s, %v; want %s", text, row.Name, err, name)
		}
	}
	for text, says := range map[string]string{
		"pkgs.dev.azure.com":                                         "names no feed",
		"https://pkgs.dev.azure.com/acme/":                           "names no feed",
		"https://pkgs.dev.azure.com/a.b/_packaging/f/x":              "names no feed",
		azureIndex + " client-id=app":                                `AZURE_CLIENT_ID is "app", which is no GUID`,
		"https://127.0.0.1/acme/_packaging/f/x type=azure-artifacts": "is no host of Azure Artifacts",
		"https://evil.example type=acr":                              "is no host of Azure Container Registry",
	} {
		_, err := registry.Open(newFixture(nil).Env, ref(t, text))
		mustSay(t, err, says)
	}
}

// TestAzureClouds tells which token service and audience belong to which cloud.
func TestAzureClouds(t *testing.T) {
	for _, test := range []struct{ ref, authority, receiver, audience string }{
		{azureIndex, "", "https://login.microsoftonline.com", "api://AzureADTokenExchange"},
		{"acmeimages.azurecr.io", "https://login.microsoftonline.com/", "https://login.microsoftonline.com",
			"api://AzureADTokenExchange"},
		{"acmegov.azurecr.us", "", "https://login.microsoftonline.us", "api://AzureADTokenExchangeUSGov"},
		{"acmechina.azurecr.cn", "", "https://login.chinacloudapi.cn", "api://AzureADTokenExchangeChina"},
		{"acmechina.azurecr.cn", "https://login.partner.microsoftonline.cn/", "https://login.partner.microsoftonline.cn",
			"api://AzureADTokenExchangeChina"},
		{"acmeimages.azurecr.io", "http://127.0.0.1:8400", "http://127.0.0.1:8400", "api://AzureADTokenExchange"},
		{"acmeimages.azurecr.io audience=mine", "", "https://login.microsoftonline.com", "mine"},
		{"acmeimages.azurecr.io", "http://login.microsoftonline.com", "", "is neither https nor on this machine"},
		{"acmeimages.azurecr.io", "https://user:password@evil.example", "", "carries a user name"},
	} {
		w := newFixture(nil)
		w.vars["AZURE_AUTHORITY_HOST"] = test.authority
		target, err := registry.Open(w.Env, ref(t, test.ref))
		if test.receiver == "" {
			mustSay(t, err, test.audience, "AZURE_AUTHORITY_HOST")
			continue
		}
		if err != nil || target.Receiver.String() != test.receiver || target.Audience != test.audience {
			t.Errorf("%s: %v: %s for %s", test.ref, err, target.Audience, target.Receiver)
		}
	}
}

// TestAzureReadyTokens fails if a token is taken for a feed that its variables do not name.
func TestAzureReadyTokens(t *testing.T) {
	const token, other = "a-token-for-the-feed", "a-token-for-another-feed"
	type vars map[string]string
	endpoints := `{"endpointCredentials":[{"endpoint":"https://nuget.example/v3/index.json","password":"` + other + `"},` +
		`{"endpoint":"` + azureIndex + `","username":"docker","password":"` + token + `"}]}`
	azureJob := vars{"SYSTEM_ACCESSTOKEN": token, "SYSTEM_COLLECTIONURI": "https://dev.azure.com/Acme/"}
	with := func(base vars, more vars) vars {
		all := vars{}
		for _, v := range []vars{base, more} {
			for name, value := range v {
				all[name] = value
			}
		}
		return all
	}
	for name, test := range map[string]struct {
		vars vars
		ref  string
		from string // empty: none
	}{
		"prefix": {vars{"VSS_NUGET_ACCESSTOKEN": token,
			"VSS_NUGET_URI_PREFIXES": "https://acme.pkgs.visualstudio.com/;https://pkgs.dev.azure.com/ACME/"}, azureIndex,
			"VSS_NUGET_ACCESSTOKEN"},
		"new names": {vars{"VSS_NUGET_ACCESSTOKEN": other, "VSS_NUGET_URI_PREFIXES": azureIndex,
			"ARTIFACTS_CREDENTIALPROVIDER_ACCESSTOKEN": token, "ARTIFACTS_CREDENTIALPROVIDER_URI_PREFIXES": azureIndex},
			azureIndex, "ARTIFACTS_CREDENTIALPROVIDER_ACCESSTOKEN"},
		"the old pair's prefix": {vars{"VSS_NUGET_URI_PREFIXES": azureIndex,
			"ARTIFACTS_CREDENTIALPROVIDER_ACCESSTOKEN": token}, azureIndex, ""},
		"no prefix":  {vars{"VSS_NUGET_ACCESSTOKEN": token}, azureIndex, ""},
		"empty ones": {vars{"VSS_NUGET_ACCESSTOKEN": token, "VSS_NUGET_URI_PREFIXES": ";; ;"}, azureIndex, ""},
		"begins like": {vars{"VSS_NUGET_ACCESSTOKEN": token, "VSS_NUGET_URI_PREFIXES": "https://pkgs.dev.azure.com/acm"},
			azureIndex, ""},
		"longer name": {vars{"VSS_NUGET_ACCESSTOKEN": token, "VSS_NUGET_URI_PREFIXES": "https://pkgs.dev.azure.com/acme"},
			"https://pkgs.dev.azure.com/acme-evil/_packaging/main/pypi/simple/", ""},
		"other host": {vars{"VSS_NUGET_ACCESSTOKEN": token, "VSS_NUGET_URI_PREFIXES": "https://pkgs.dev.azure.com/acme"},
			azureOldIndex, ""},
		"other port": {vars{"VSS_NUGET_ACCESSTOKEN": token,
			"VSS_NUGET_URI_PREFIXES": "https://pkgs.dev.azure.com:8443/acme"}, azureIndex, ""},
		"endpoint": {vars{"VSS_NUGET_EXTERNAL_FEED_ENDPOINTS": endpoints}, azureIndex, "VSS_NUGET_EXTERNAL_FEED_ENDPOINTS"},
		"endpoint of another feed": {vars{"VSS_NUGET_EXTERNAL_FEED_ENDPOINTS": endpoints},
			"https://pkgs.dev.azure.com/acme/_packaging/other/pypi/simple/", ""},
		"job":           {azureJob, azureIndex, "SYSTEM_ACCESSTOKEN"},
		"job, old host": {azureJob, azureOldIndex, "SYSTEM_ACCESSTOKEN"},
		"old collection": {with(azureJob, vars{"SYSTEM_COLLECTIONURI": "https://acme.visualstudio.com/DefaultCollection/"}),
			azureIndex, "SYSTEM_ACCESSTOKEN"},
		"another's":       {azureJob, "https://pkgs.dev.azure.com/evil/_packaging/main/pypi/simple/", ""},
		"another's, old":  {azureJob, "https://acme-evil.pkgs.visualstudio.com/_packaging/main/pypi/simple/", ""},
		"own server":      {with(azureJob, vars{"SYSTEM_COLLECTIONURI": "https://tfs.corp/acme/"}), azureIndex, ""},
		"no collection":   {vars{"SYSTEM_ACCESSTOKEN": token}, azureIndex, ""},
		"not mapped":      {with(azureJob, vars{"SYSTEM_ACCESSTOKEN": "$(System.AccessToken)"}), azureIndex, ""},
		"identity wanted": {azureJob, azureIndex + " client-id=aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", ""},
		"identity possible": {with(azureJob, vars{"AZURE_CLIENT_ID": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
			"SYSTEM_OIDCREQUESTURI": "https://dev.azure.com/acme/…/oidctoken"}), azureIndex, ""},
		"identity impossible": {with(azureJob, vars{"AZURE_CLIENT_ID": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"}), azureIndex,
			"SYSTEM_ACCESSTOKEN"},
		"identity not wanted": {with(azureJob, vars{"AZURE_CLIENT_ID": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
			"SYSTEM_OIDCREQUESTURI": "https://dev.azure.com/acme/…/oidctoken"}), azureIndex + " client-id=",
			"SYSTEM_ACCESSTOKEN"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(nil)
			w.vars = test.vars
			target, err := registry.Open(w.Env, ref(t, test.ref))
			if err != nil {
				t.Fatal(said(err))
			}
			var got registry.Proof
			for _, source := range target.Row.Proofs {
				p, ok, err := source.Find(w.Env, target)
				if err != nil {
					t.Fatal(said(err))
				}
				if ok {
					got = p
					break
				}
			}
			if got.From != test.from || test.from != "" && got.Secret.Reveal() != token {
				t.Errorf("found %q, want %q", got.From, test.from)
			}
			if test.from == "" {
				return
			}
			cred, err := target.Exchange(t.Context(), w.Env, got)
			if err != nil || cred.Secret.Reveal() != token || cred.Username == "" || len(w.asked) > 0 {
				t.Errorf("%+v, %v, asked %q", cred, err, w.asked)
			}
		})
	}
}

// TestAzureScopes fails if a credential of one feed could be used at one that it is not for, or if two feeds of one
// organization need two.
func TestAzureScopes(t *testing.T) {
	scope := func(text string, vars map[string]string) string {
		t.Helper()
		w := newFixture(nil)
		w.vars = vars
		target, err := registry.Open(w.Env, ref(t, text))
		if err != nil {
			t.Fatal(said(err))
		}
		return target.ScopeFor(regpass.ReadyToken)
	}
	const npm = "https://pkgs.dev.azure.com/acme/_packaging/main/npm/registry/"
	one := scope(azureIndex, nil)
	if scope(npm, nil) != one {
		t.Error("two feeds of one organization have two scopes")
	}
	bound := map[string]string{"VSS_NUGET_ACCESSTOKEN": "a-token-for-the-feed", "VSS_NUGET_URI_PREFIXES": azureIndex}
	for name, other := range map[string]string{
		"host":         scope(azureOldIndex, nil), // for which a credential is written down
		"organization": scope("https://pkgs.dev.azure.com/other/_packaging/main/pypi/simple/", nil),
		"application":  scope(azureIndex+" client-id="+otherTenant, nil),
		"tenant":       scope(azureIndex+" tenant="+otherTenant, nil),
		"binding":      scope(azureIndex, bound),
	} {
		if other == one {
			t.Errorf("another %s has the same scope", name)
		}
	}
}

func TestAzureBrokenEndpoints(t *testing.T) {
	const token = "a-token-in-the-variable"
	for _, value := range []string{"endpointCredentials=" + token, `{"endpointCredentials":"` + token + `"}`,
		`["` + token} {
		w := newFixture(nil)
		w.vars["VSS_NUGET_EXTERNAL_FEED_ENDPOINTS"] = value
		target, err := registry.Open(w.Env, ref(t, azureIndex))
		if err != nil {
			t.Fatal(said(err))
		}
		_, _, err = target.Row.Proofs[0].Find(w.Env, target)
		mustSay(t, err, "VSS_NUGET_EXTERNAL_FEED_ENDPOINTS is not the expected JSON")
		mustHide(t, err, token)
	}
}

func TestAzureUserName(t *testing.T) {
	w := newFixture(nil)
	for _, user := range []string{"a:b", "a\n::error::b"} {
		_, err := w.exchange(t.Context(), ref(t, azureIndex), registry.Proof{Method: regpass.ReadyToken, From: "a variable",
			Kind: regpass.Basic, Username: user, Secret: regpass.NewSecret("a-token-for-the-feed")})
		mustSay(t, err, "azure-artifacts: the ready token from a variable", "holds a colon or a control character")
		mustHide(t, err, "a-token-for-the-feed")
	}
	conda := key(regpass.APIKey, "--conda-token-stdin", "a-token-for-the-feed")
	conda.Kind = regpass.CondaToken
	_, err := w.exchange(t.Context(), ref(t, azureIndex), conda)
	mustSay(t, err, "takes no")
}

// TestAzureNamedByCheckout fails if a file of the checkout can say for which application or tenant an identity is.
func TestAzureNamedByCheckout(t *testing.T) {
	for _, option := range []string{"client-id=" + otherTenant, "tenant=" + otherTenant, "audience=x"} {
		r := ref(t, azureIndex+" "+option)
		r.Trusted = false
		_, err := registry.Open(newFixture(nil).Env, r)
		mustSay(t, err, "is not taken from")
	}
	r := ref(t, azureIndex)
	r.Trusted = false
	if _, err := registry.Open(newFixture(nil).Env, r); err != nil {
		t.Error(said(err))
	}
}

func TestAzureMachine(t *testing.T) {
	const imds = "GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&"
	const devops = "resource=499b84ac-1321-427f-aa17-267ca6975798"
	client := fake.NewEntra(now).Client
	app := map[string]string{"IDENTITY_ENDPOINT": "http://localhost:42356/msi/token",
		"IDENTITY_HEADER": "the-secret-of-the-app"}
	for name, test := range map[string]struct {
		ref, machine string
		vars         map[string]string
		asked        []string // nil: there is no identity
	}{
		"virtual machine": {azureIndex, azureAsset, nil, []string{imds + devops}},
		"one of several": {azureIndex, azureAsset, map[string]string{"AZURE_CLIENT_ID": client},
			[]string{strings.Replace(imds, "&", "&client_id="+client+"&", 1) + devops}},
		"registry": {"acmeimages.azurecr.io", azureAsset, nil, []string{
			imds + "resource=https%3A%2F%2Fcontainerregistry.azure.net",
			"POST https://acmeimages.azurecr.io/oauth2/exchange"}},
		"app": {azureIndex, "", app, []string{"GET http://localhost:42356/msi/token?api-version=2019-08-01&" + devops}},
		"app at a link-local address": {azureIndex, "", map[string]string{"IDENTITY_HEADER": "the-secret-of-the-app",
			"IDENTITY_ENDPOINT": "http://169.254.130.3:8081/msi/token?a=b"},
			[]string{"GET http://169.254.130.3:8081/msi/token?a=b&api-version=2019-08-01&" + devops}},
		"Service Fabric": {azureIndex, "", map[string]string{"IDENTITY_ENDPOINT": "https://10.0.0.4:2377/x",
			"IDENTITY_HEADER": "the-secret-of-the-app", "IDENTITY_SERVER_THUMBPRINT": "abc"}, nil},
		"GitHub's runner": {azureIndex, azureAsset, map[string]string{"RUNNER_ENVIRONMENT": "github-hosted"}, nil},
		"Azure's agent":   {azureIndex, azureAsset, map[string]string{"AGENT_ISSELFHOSTED": "0"}, nil},
		"another machine": {azureIndex, "Amazon EC2", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewEntra(now)
			w := newFixture(server)
			w.Machine = func() string { return test.machine }
			for name, value := range test.vars {
				w.vars[name] = value
			}
			target, err := registry.Open(w.Env, ref(t, test.ref))
			if err != nil {
				t.Fatal(said(err))
			}
			if from := target.Row.Cloud(w.Env, target); (from != "") != (test.asked != nil) {
				t.Fatalf("there is %q", from)
			}
			if test.asked == nil {
				return
			}
			cred, err := target.Exchange(t.Context(), w.Env, registry.Proof{Method: regpass.Cloud})
			if err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if cred.Kind != regpass.Basic || !cred.Expires.After(now()) || !slices.Equal(w.asked, test.asked) {
				t.Errorf("%+v, asked %q", cred, w.asked)
			}
			if secret := test.vars["IDENTITY_HEADER"]; secret != "" && !slices.Contains(w.masked, secret) {
				t.Error("the secret of the app is not masked")
			}
		})
	}
}

func TestAzureMachineRefusals(t *testing.T) {
	server := fake.NewEntra(now)
	server.Instead(text(404, ""), text(410, ""), text(500, ""))
	w := newFixture(server)
	if _, err := w.exchange(t.Context(), ref(t, azureIndex), registry.Proof{Method: regpass.Cloud}); err != nil {
		t.Fatal("a service that starts is not asked again:", said(err))
	}
	if len(w.asked) != 4 {
		t.Errorf("asked %q", w.asked)
	}
	w.vars["AZURE_CLIENT_ID"] = otherTenant
	_, err := w.exchange(t.Context(), ref(t, azureIndex), registry.Proof{Method: regpass.Cloud})
	mustSay(t, err, "Azure: ask for the managed identity: GET", "Identity not found", "AZURE_CLIENT_ID")

	w.asked = nil
	for _, endpoint := range []string{"http://evil.example/msi/token", "http://10.0.0.4/msi/token", "ftp://localhost/"} {
		w.vars["IDENTITY_ENDPOINT"], w.vars["IDENTITY_HEADER"] = endpoint, "the-secret-of-the-app"
		_, err := w.exchange(t.Context(), ref(t, azureIndex), registry.Proof{Method: regpass.Cloud})
		mustSay(t, err, "is neither https nor on this machine")
		mustHide(t, err, "the-secret-of-the-app")
	}
	if len(w.asked) > 0 {
		t.Errorf("asked %q", w.asked)
	}
}

func TestAzureTrust(t *testing.T) {
	w, server := newAzure()
	w.vars["AZURE_TENANT_ID"] = server.Tenant
	for text, says := range map[string][]string{
		azureIndex: {"az ad app federated-credential create --id '" + server.Client + "' --parameters " +
			"'{\"name\":\"regpass\",\"issuer\":\"https://issuer.example\",\"subject\":\"repo:acme/app:ref:refs/heads/main\"," +
			"\"audiences\":[\"api://AzureADTokenExchange\"]}'", "organization acme"},
		"acmeimages.azurecr.io": {"--role AcrPull", "az acr show --name 'acmeimages'"},
	} {
		target, err := registry.Open(w.Env, ref(t, text))
		if err != nil {
			t.Fatal(said(err))
		}
		trust, err := target.Row.Trust(w.Env, target, registry.Job{Issuer: "https://issuer.example",
			Audience: target.Audience, Claims: []registry.Claim{{Name: "sub", Value: "repo:acme/app:ref:refs/heads/main"}}})
		if err != nil {
			t.Fatal(said(err))
		}
		all := trust.Shell + strings.Join(trust.Notes, "\n")
		for _, s := range says {
			if !strings.Contains(all, s) {
				t.Errorf("%s\ndoes not say %s", all, s)
			}
		}
		want := []registry.Field{{Name: "AZURE_CLIENT_ID", Value: server.Client},
			{Name: "AZURE_TENANT_ID", Value: server.Tenant}}
		if !slices.Equal(trust.Workflow, want) || strings.Contains(trust.Shell, "az ad app create") {
			t.Errorf("workflow %v, shell %s", trust.Workflow, trust.Shell)
		}
	}
}

func azureArtifactsWays(t *testing.T,
	by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	j := &job{t: t}
	tenant := way{name: "azure's tenant", ref: azureIndex, run: by(j.proof()),
		server: func() http.Handler { return fake.NewEntra(now) },
		vars:   map[string]string{"AZURE_CLIENT_ID": fake.NewEntra(now).Client},
		sent:   func() []string { return j.tokens }}
	token, machine := tenant, tenant
	token.name, token.before = "azure's token", 1
	token.broken = []string{`{"token_type":"Bearer","expires_in":3599,"access_token":%s}`}
	token.end = `{"token_type":"Bearer","expires_in":%s,"access_token":"at-0123456789abcdef"}`
	machine.name, machine.vars = "azure's machine", map[string]string{"IDENTITY_HEADER": "the-secret-of-the-app",
		"IDENTITY_ENDPOINT": "http://localhost:42356/msi/token"}
	machine.run = by(registry.Proof{Method: regpass.Cloud})
	machine.broken = []string{`{"expires_on":"1","access_token":%s}`}
	machine.end = `{"expires_on":%s,"access_token":"at-0123456789abcdef"}`
	machine.sent = func() []string { return []string{"the-secret-of-the-app"} }
	return []way{tenant, token, machine}
}
