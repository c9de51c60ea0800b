package registry

import (
	"context"
	"net/http"

	"github.com/regpass/regpass"
)

// acr is Azure Container Registry. Unlike a feed, a registry does not say which tenant it is of.
var acr = Row{
	Name:    "acr",
	Also:    []string{"azure"},
	Title:   "Azure Container Registry",
	Proven:  "Azure's SDK, with a strict fake",
	Doc:     "https://learn.microsoft.com/azure/container-registry/container-registry-authentication",
	Pages:   []string{"portal.azure.com"},
	Hosts:   []string{"NAME.azurecr.io", "NAME.azurecr.us", "NAME.azurecr.cn"},
	Example: "acmeimages.azurecr.io",
	Match:   func(_ *regpass.Env, ref regpass.Ref) bool { return acrHost(ref.Host) != nil },
	Options: []Option{azureClient, azureTenant},
	OIDC:    true,
	Needs:   []string{azureClient.Name, azureTenant.Name},
	// The registry's own passwords, of repository tokens and of the admin user, need no exchange: they are for static.
	Exchanges: true,
	Cloud:     acrMachine,
	Images:    true,
	Refusals: append([]Refusal{
		{"client with IP", "the registry's firewall does not let this machine in"},
		{"UNAUTHORIZED", "the identity has no role on the registry, such as AcrPull, or the registry is of another tenant"},
	}, azureRefusals...),
	Trust: trustACR,
	Open:  openACR,
}

// acrHost matches a registry's name, with a hash behind it where the name may be used again elsewhere, and its cloud.
// The hosts of its data ask for no credential.
var acrHost = hostPattern(`^([a-z0-9]{5,50})(?:-[a-z0-9]+)?\.azurecr\.(io|us|cn)$`, ".azurecr.")

const (
	// acrUser is the user name that goes with a refresh token
	// (https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md).
	acrUser = "00000000-0000-0000-0000-000000000000"
	// acrResource is what Microsoft's SDKs ask for in all clouds (azcontainerregistry, cloud_config.go).
	acrResource = "https://containerregistry.azure.net"
)

// acrMachine is azureMachine, but not for a registry of another cloud that only the checkout names: its operator would
// be shown a token of the machine's. Without AZURE_AUTHORITY_HOST, the machine is taken for one of the public cloud.
func acrMachine(env *regpass.Env, t Target) string {
	m := acrHost(t.Ref.Host)
	if !t.Ref.Trusted && m != nil && m[2] != "io" && env.Getenv("AZURE_AUTHORITY_HOST") == "" {
		return ""
	}
	return azureMachine(env, t)
}

// acrRef is a registry.
type acrRef struct{ name string }

func openACR(env *regpass.Env, ref regpass.Ref) (Target, error) {
	m := acrHost(ref.Host)
	if m == nil {
		err := regpass.Usagef("%s is no host of Azure Container Registry", regpass.Quote(ref.Host))
		return Target{}, regpass.Hintf(err, "it looks like acmeimages.azurecr.io")
	}
	t, err := azureTarget(env, ref, m[2], "images of "+ref.Host)
	t.exchanger = acrRef{name: m[1]}
	return t, err
}

// exchange gets an access token of Entra, and for it the registry's refresh token, which docker takes as a password.
//
//	POST https://NAME.azurecr.io/oauth2/exchange   grant_type=access_token&service=NAME.azurecr.io&access_token=…
//	{"refresh_token":…}
//
// https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
func (a acrRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	tenant := t.option(env, azureTenant.Name)
	entra, err := azureHop(ctx, env, t, p, acrResource, func(context.Context) (string, error) { return tenant, nil })
	if p.Method == regpass.APIKey || p.Method == regpass.ReadyToken {
		return regpass.Credential{}, regpass.Hintf(err, "add type=static username=NAME for a password of the registry's own")
	}
	if err != nil {
		return regpass.Credential{}, err
	}
	const op = "acr: exchange the access token"
	form := map[string]any{"grant_type": "access_token", "service": t.Ref.Host, "access_token": entra.secret}
	if tenant != "" { // a machine need not know it
		form["tenant"] = tenant
	}
	var got struct {
		Token string `json:"refresh_token"`
	}
	err = env.Retry(ctx, func(ctx context.Context) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost,
			URL: apiURL(origin(t.Ref), "/oauth2/exchange"), Form: form}, &got)
	})
	if err != nil {
		return regpass.Credential{}, err
	}
	refresh, err := newToken(env, op, got.Token)
	return regpass.Credential{Kind: regpass.Basic, Username: acrUser, Secret: refresh.secret,
		Expires: refresh.expires}, err
}
