package registry

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// The variables of Microsoft's credential provider, new names first. NuGetAuthenticate@1 sets the old ones
// (https://github.com/microsoft/artifacts-credprovider#environment-variables).
var (
	azureEndpointVars = []string{"ARTIFACTS_CREDENTIALPROVIDER_EXTERNAL_FEED_ENDPOINTS",
		"VSS_NUGET_EXTERNAL_FEED_ENDPOINTS"}
	azurePrefixVars = [2][2]string{
		{"ARTIFACTS_CREDENTIALPROVIDER_ACCESSTOKEN", "ARTIFACTS_CREDENTIALPROVIDER_URI_PREFIXES"},
		{"VSS_NUGET_ACCESSTOKEN", "VSS_NUGET_URI_PREFIXES"},
	}
)

// azureEndpoint is a password that JSON binds to an endpoint:
//
//	{"endpointCredentials":[{"endpoint":URL,"username":…,"password":…}]}
type azureEndpoint struct{ Endpoint, Username, Password string }

// azureEndpointFor finds the endpoint that u is at or below, and the variable that names it; name is empty if there is
// none.
func azureEndpointFor(env *regpass.Env, u *url.URL) (name string, e azureEndpoint, err error) {
	name, value := env.Lookup(azureEndpointVars...)
	if name == "" {
		return "", azureEndpoint{}, nil
	}
	var got struct{ EndpointCredentials []azureEndpoint }
	if json.Unmarshal([]byte(value), &got) != nil {
		err := regpass.Usagef("azure-artifacts: %s is not the expected JSON", name)
		return "", azureEndpoint{}, regpass.Hintf(err, `it looks like {"endpointCredentials":[{"endpoint":"https://…",`+
			`"password":"…"}]}`)
	}
	i := slices.IndexFunc(got.EndpointCredentials, func(e azureEndpoint) bool {
		return e.Password != "" && isBelow(u, e.Endpoint)
	})
	if i < 0 {
		return "", azureEndpoint{}, nil
	}
	return name, got.EndpointCredentials[i], nil
}

// azurePrefixFor finds the prefix that u is at or below, and the variable with the token for it; name is empty if there
// is none. A pair is taken as a whole: the prefixes of one name say nothing about the token of the other.
func azurePrefixFor(env *regpass.Env, u *url.URL) (name, prefix string) {
	for _, pair := range azurePrefixVars {
		for prefix := range strings.SplitSeq(env.Getenv(pair[1]), ";") {
			if env.Getenv(pair[0]) != "" && isBelow(u, prefix) {
				return pair[0], prefix
			}
		}
	}
	return "", ""
}

// azureBinding is the URL that the variables bind the token for u to; empty: they have none.
func azureBinding(env *regpass.Env, u *url.URL) string {
	if name, e, err := azureEndpointFor(env, u); err == nil && name != "" {
		return e.Endpoint
	}
	_, prefix := azurePrefixFor(env, u)
	return prefix
}

func readAzureEndpoints(env *regpass.Env, t Target) (Proof, bool, error) {
	name, e, err := azureEndpointFor(env, t.Ref.URL)
	return Proof{Method: regpass.ReadyToken, From: name, Secret: regpass.NewSecret(e.Password), Kind: regpass.Basic,
		Username: e.Username}, name != "", err
}

func readAzurePrefixes(env *regpass.Env, t Target) (Proof, bool, error) {
	name, _ := azurePrefixFor(env, t.Ref.URL)
	if name == "" {
		return Proof{}, false, nil
	}
	return Proof{Method: regpass.ReadyToken, From: name, Secret: regpass.SecretLine(env.Getenv(name)),
		Kind: regpass.Basic}, true, nil
}

// isBelow reports whether u is at the URL prefix or below it. https://host/acme is no prefix of https://host/acme-evil.
func isBelow(u *url.URL, prefix string) bool {
	base, err := regpass.ParseRef(prefix)
	if err != nil || base.URL.Scheme != u.Scheme || base.Host != u.Host {
		return false
	}
	have, want := segments(u), segments(base.URL)
	if base.URL.Path == "/" {
		return true
	}
	return len(have) >= len(want) && slices.EqualFunc(have[:len(want)], want, strings.EqualFold)
}

// unmapped is what a job finds in SYSTEM_ACCESSTOKEN if the pipeline maps a variable that it may not read.
const unmapped = "$(System.AccessToken)"

// readSystemAccessToken reads the token that the job has for its own organization, which no other one may see.
//
// It is not taken where an identity is expected: a client id is set, in the option, or in AZURE_CLIENT_ID of a job that
// can get ID tokens. The token is a proof of the row, so it would go before every CI identity; but it acts as the build
// service of the whole project, and whoever set the client id wants the rights of that application. If the identity is
// then refused, the job fails instead of quietly reading with other rights. An empty option client-id= asks for the
// token all the same.
func readSystemAccessToken(env *regpass.Env, t Target) (Proof, bool, error) {
	value := env.Getenv("SYSTEM_ACCESSTOKEN")
	a, _ := t.exchanger.(azureFeed)
	own := organizationOf(env.Getenv("SYSTEM_COLLECTIONURI"))
	_, named := t.Ref.Options[azureClient.Name]
	expected := t.option(env, azureClient.Name) != "" && (named || env.Getenv("SYSTEM_OIDCREQUESTURI") != "")
	if value == "" || value == unmapped || own == "" || own != a.organization || expected {
		return Proof{}, false, nil
	}
	return Proof{Method: regpass.ReadyToken, From: "SYSTEM_ACCESSTOKEN", Secret: regpass.SecretLine(value),
		Kind: regpass.Basic}, true, nil
}

// azureCollectionHost matches the old host of an organization.
var azureCollectionHost = regpass.Pattern(`^([a-z0-9][a-z0-9-]*)\.visualstudio\.com$`)

// organizationOf is the organization of a job's SYSTEM_COLLECTIONURI, https://dev.azure.com/ORG/ or
// https://ORG.visualstudio.com/, in lower case; empty: it is a server of somebody's own.
func organizationOf(collection string) string {
	at, err := regpass.ParseRef(collection)
	if err != nil || at.URL.Scheme != "https" {
		return ""
	}
	if m := azureCollectionHost().FindStringSubmatch(at.Host); m != nil {
		return m[1]
	}
	if name := segments(at.URL)[0]; at.Host == "dev.azure.com" && azureOrganization().MatchString(name) {
		return strings.ToLower(name)
	}
	return ""
}
