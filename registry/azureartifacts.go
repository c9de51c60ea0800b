package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// azureArtifacts is Azure Artifacts. A feed itself says which tenant its organization is of. So a CI identity needs no
// more than the client id, in AZURE_CLIENT_ID, where azure/login has it too.
//
//	https://pkgs.dev.azure.com/ORG/[PROJECT/]_packaging/FEED/pypi/simple/
//	https://ORG.pkgs.visualstudio.com/[PROJECT/]_packaging/FEED/pypi/simple/
var azureArtifacts = Row{
	Name:    "azure-artifacts",
	Also:    []string{"azure", "azuredevops", "devops"},
	Title:   "Azure Artifacts",
	Proven:  "Azure's SDK, with a strict fake",
	Doc:     "https://learn.microsoft.com/azure/devops/artifacts/python/project-setup-python",
	Pages:   []string{"dev.azure.com"},
	Hosts:   []string{azureFeedHost, "ORG.pkgs.visualstudio.com"},
	Example: "https://pkgs.dev.azure.com/acme/_packaging/main/pypi/simple/",
	Match: func(_ *regpass.Env, ref regpass.Ref) bool {
		return ref.Host == azureFeedHost || azureOldHost(ref.Host) != nil
	},
	Proofs: []Source{
		{Method: regpass.ReadyToken, Vars: azureEndpointVars, Read: readAzureEndpoints,
			Doc: "for the endpoints that the JSON names"},
		{Method: regpass.ReadyToken, Vars: []string{azurePrefixVars[0][0], azurePrefixVars[1][0]}, Read: readAzurePrefixes,
			Doc: "for the URLs of " + azurePrefixVars[0][1] + " or " + azurePrefixVars[1][1]},
		{Method: regpass.ReadyToken, Vars: []string{"SYSTEM_ACCESSTOKEN"}, CI: "azure", Read: readSystemAccessToken,
			Doc: "for feeds of the job's own organization, where client-id= is not set"},
	},
	Options:  []Option{azureClient, azureTenant},
	OIDC:     true,
	Needs:    []string{azureClient.Name},
	Cloud:    azureMachine,
	Refusals: azureRefusals,
	Trust:    trustAzureArtifacts,
	Open:     openAzureArtifacts,
}

const (
	azureFeedHost = "pkgs.dev.azure.com"
	// azureAnyUser goes with all tokens: Azure Artifacts takes any user name, and this one stands in the URLs of indexes
	// (https://docs.astral.sh/uv/guides/integration/azure/).
	azureAnyUser = "VssSessionToken"
	// azureDevOps is the resource that access tokens of Entra for Azure DevOps are for
	// (https://learn.microsoft.com/azure/devops/integrate/get-started/authentication/service-principal-managed-identity).
	azureDevOps = "499b84ac-1321-427f-aa17-267ca6975798"
)

var (
	// azureOldHost matches the host of an organization from the time before pkgs.dev.azure.com.
	azureOldHost = hostPattern(`^([a-z0-9][a-z0-9-]*)\.pkgs\.visualstudio\.com$`, ".visualstudio.com")
	// azureOrganization matches the name of one.
	azureOrganization = regpass.Pattern(`^[A-Za-z0-9][A-Za-z0-9-]*$`)
)

// azureFeed is a feed of an organization of Azure DevOps.
type azureFeed struct{ organization string }

func openAzureArtifacts(env *regpass.Env, ref regpass.Ref) (Target, error) {
	path := segments(ref.URL)
	organization := path[0]
	if m := azureOldHost(ref.Host); m != nil {
		organization = m[1]
	} else if ref.Host != azureFeedHost {
		err := regpass.Usagef("%s is no host of Azure Artifacts", regpass.Quote(ref.Host))
		return Target{}, regpass.Hintf(err, "it is %s or ORG.pkgs.visualstudio.com", azureFeedHost)
	}
	if !azureOrganization().MatchString(organization) || !slices.Contains(path, "_packaging") {
		err := regpass.Usagef("%s names no feed", regpass.Quote(ref.String()))
		return Target{}, regpass.Hintf(err, "it looks like %s", azureArtifactsExample)
	}
	organization = strings.ToLower(organization)
	what := "feeds of " + organization + " at " + ref.Host
	if bound := azureBinding(env, ref.URL); bound != "" {
		what += " below " + bound // where a ready token is for less
	}
	t, err := azureTarget(env, ref, "io", what)
	t.exchanger = azureFeed{organization}
	return t, err
}

const azureArtifactsExample = "https://pkgs.dev.azure.com/ORG/_packaging/FEED/pypi/simple/"

// exchange gets an access token of Entra, which the feeds of the organization take as it is. A key is a personal access
// token.
func (a azureFeed) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	var got token
	var err error
	switch {
	case p.Method != regpass.ReadyToken && p.Method != regpass.APIKey:
		got, err = azureHop(ctx, env, t, p, azureDevOps, func(ctx context.Context) (string, error) {
			return a.tenant(ctx, env, t)
		})
	case p.Kind != "" && p.Kind != regpass.Basic:
		err = t.unsupported(p)
	default:
		got, err = p.readyToken(env, t.Row.Name)
	}
	if err != nil {
		return regpass.Credential{}, err
	}
	user := cmp.Or(p.Username, azureAnyUser)
	if _, err := parseBasic(user, true, got.secret); err != nil {
		return regpass.Credential{}, fmt.Errorf("%s: the %s from %s: %w", t.Row.Name, p.Method, p.From, err)
	}
	return regpass.Credential{Kind: regpass.Basic, Username: user, Secret: got.secret, Expires: got.expires}, nil
}

// noTenant is what an organization says that is of no tenant.
const noTenant = "00000000-0000-0000-0000-000000000000"

// tenant asks the feed, without a proof, which tenant its organization is of. Nothing but a GUID is taken from the
// answer: its other headers name servers, to which a proof could be lured.
//
//	GET FEED
//	401, X-VSS-ResourceTenant: GUID
//
// https://github.com/microsoft/azure-pipelines-tasks reads it in getFeedTenantId.
func (a azureFeed) tenant(ctx context.Context, env *regpass.Env, t Target) (string, error) {
	const op = "azure-artifacts: ask the feed for its tenant"
	var found string
	err := env.Retry(ctx, func(ctx context.Context) error {
		_, err := env.Do(ctx, regpass.Request{Op: op, Method: http.MethodGet, URL: t.Ref.URL,
			Header: http.Header{"X-Tfs-Fedauthredirect": {"Suppress"}}}) // no page for a person
		var he *regpass.HTTPError
		if errors.As(err, &he) && he.Status == http.StatusUnauthorized {
			found = strings.ToLower(he.Header.Get("X-Vss-Resourcetenant"))
			return nil
		}
		return err
	})
	if err != nil {
		return "", err
	}
	want := strings.ToLower(t.option(env, azureTenant.Name))
	known := guid().MatchString(found) && found != noTenant
	switch {
	case !known && want != "":
		return want, nil // a feed that everyone may read asks for no proof, and says no tenant
	case found == noTenant:
		err := fmt.Errorf("%s: the organization %s is of no Entra tenant", op, a.organization)
		return "", regpass.Hintf(err, "connect it to one, in its settings under Microsoft Entra")
	case !known:
		err := fmt.Errorf("%s: %s names none", op, regpass.Quote(t.Ref.String()))
		return "", regpass.Hintf(err, "everyone may read it, or the URL is wrong; AZURE_TENANT_ID names the tenant too")
	case want != "" && want != found:
		err := regpass.Usagef("%s: the organization %s is of the tenant %s, and AZURE_TENANT_ID or tenant= is %s",
			op, a.organization, found, want)
		return "", regpass.Hintf(err, "name a feed of an organization of your tenant, or the organization's tenant")
	}
	return found, nil
}
