package registry

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// Registries of Azure share the first hop: an identity, or the machine's, becomes an access token of Entra for one
// resource.

// azureCloud is a part of Azure with directories of its own.
type azureCloud struct {
	domain   string   // top domain of its container registries
	logins   []string // hosts of its token service; the first is asked
	audience string   // what its federated credentials are for
}

// azureClouds ends with the public one, which all other hosts are of
// (https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud, and for the audiences
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity).
var azureClouds = []azureCloud{
	{"us", []string{"login.microsoftonline.us"}, "api://AzureADTokenExchangeUSGov"},
	{"cn", []string{"login.chinacloudapi.cn", "login.partner.microsoftonline.cn"}, "api://AzureADTokenExchangeChina"},
	{"io", []string{"login.microsoftonline.com"}, "api://AzureADTokenExchange"},
}

// azureCloudWhere is the first cloud that is right, otherwise the public one.
func azureCloudWhere(right func(azureCloud) bool) azureCloud {
	if i := slices.IndexFunc(azureClouds, right); i >= 0 {
		return azureClouds[i]
	}
	return azureClouds[len(azureClouds)-1]
}

// The options of all rows of Azure, by the variables of its SDKs and of azure/login.
var (
	azureClient = Option{Name: "client-id", Vars: []string{"AZURE_CLIENT_ID"},
		Doc: "GUID of the application or managed identity that the CI identity is exchanged for"}
	azureTenant = Option{Name: "tenant", Vars: []string{"AZURE_TENANT_ID"}, Doc: "GUID of the Entra tenant"}
)

// guid matches the id of a tenant or an application.
var guid = regpass.Pattern(`^(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// azureTarget fills in what the first hop decides: who is shown the identity, and for which audience. domain is the
// cloud's; what names the registry in the scope.
func azureTarget(env *regpass.Env, ref regpass.Ref, domain, what string) (Target, error) {
	for _, o := range []Option{azureClient, azureTenant} {
		if v := o.value(env, ref); v != "" && !guid().MatchString(v) {
			err := regpass.Usagef("%s= or %s is %s, which is no GUID", o.Name, o.Vars[0], regpass.Quote(v))
			return Target{}, regpass.Hintf(err, "it looks like 11111111-2222-3333-4444-555555555555")
		}
	}
	usual := azureCloudWhere(func(c azureCloud) bool { return c.domain == domain })
	authority, err := env.Endpoint("https://"+usual.logins[0], "AZURE_AUTHORITY_HOST")
	if err != nil {
		return Target{}, err
	}
	isLogin := func(c azureCloud) bool { return slices.Contains(c.logins, strings.ToLower(authority.Hostname())) }
	cloud := azureCloudWhere(isLogin)
	if isLogin(cloud) && cloud.domain != domain { // a token of one cloud is nothing for the operator of another
		err := regpass.Usagef("%s is of another cloud of Azure than %s, which AZURE_AUTHORITY_HOST names",
			regpass.Quote(ref.Host), authority.Host)
		return Target{}, regpass.Hintf(err, "unset AZURE_AUTHORITY_HOST, or name a registry of its cloud")
	}
	return Target{Receiver: apiURL(authority, ""), Audience: cmp.Or(ref.Options["audience"], cloud.audience),
		Scope: what + " as " + azureClient.value(env, ref) + " of " + azureTenant.value(env, ref)}, nil
}

// azureHop gets an access token for the resource. tenant finds out the tenant, which only an identity needs.
func azureHop(ctx context.Context, env *regpass.Env, t Target, p Proof, resource string,
	tenant func(context.Context) (string, error)) (token, error) {
	switch p.Method {
	case regpass.OIDC:
		id, err := tenant(ctx)
		if err != nil {
			return token{}, err
		}
		return azureExchange(ctx, env, t, p, resource, id)
	case regpass.Cloud:
		return azureMachineToken(ctx, env, t.option(env, azureClient.Name), resource)
	}
	return token{}, t.unsupported(p)
}

// azureAnswer is what gives out access tokens, wherever it is: the ends are numbers, or numbers in text.
type azureAnswer struct {
	Token     string `json:"access_token"`
	ExpiresIn any    `json:"expires_in"`
	ExpiresOn any    `json:"expires_on"`
}

// azureExchange exchanges a CI identity for an access token.
//
//	POST /TENANT/oauth2/v2.0/token   client_id=…&scope=RESOURCE/.default&client_assertion=…
//	{"token_type":"Bearer","expires_in":3599,"access_token":…}
//
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, third case
func azureExchange(ctx context.Context, env *regpass.Env, t Target, p Proof, resource, tenant string) (token, error) {
	op := t.Row.Name + ": exchange the CI identity"
	var got azureAnswer
	err := p.withIdentity(ctx, env, t.Row.Name, t.Audience, func(ctx context.Context, id regpass.Identity) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost,
			URL: apiURL(t.Receiver, "/"+tenant+"/oauth2/v2.0/token"),
			Form: map[string]any{
				"client_id":             t.option(env, azureClient.Name),
				"scope":                 resource + "/.default",
				"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
				"client_assertion":      id.Token,
				"grant_type":            "client_credentials",
			}}, &got)
	})
	if err != nil {
		return token{}, err
	}
	return newTokenUntil(env, op, got.Token, got.ExpiresIn, fromNow)
}

// azureRefusals are what Entra answers
// (https://learn.microsoft.com/entra/identity-platform/reference-error-codes). The longer codes go first.
var azureRefusals = []Refusal{
	{"AADSTS700213", "no federated credential of the application has this subject, letter by letter: GitHub's may hold " +
		"the numbers of owner and repository since July 2026; one that was just added may take 5 minutes to work"},
	{"AADSTS700211", "no federated credential of the application has this issuer"},
	{"AADSTS700212", "the federated credential is for another audience"},
	{"AADSTS700016", "the tenant has no application with this client id: it is of another tenant, or the id is " +
		"not its client id"},
	{"AADSTS700024", "the identity has ended or is not valid yet: look at the clock of this machine"},
	{"AADSTS70021", "no federated credential of the application matches this issuer, subject and audience"},
	{"AADSTS90002", "there is no such tenant in this cloud: look at AZURE_TENANT_ID and AZURE_AUTHORITY_HOST"},
}
