package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
)

// azureMachineHost is the instance metadata service of a virtual machine
// (https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).
const azureMachineHost = "http://169.254.169.254"

// azureAssetTag is what the chassis of each virtual machine of Azure is called
// (https://github.com/canonical/cloud-init/blob/main/cloudinit/sources/azure/identity.py).
const azureAssetTag = "7783-7084-3265-9085-8269-3286-77"

// azureMachine says which managed identity the machine has: that of an app or container app, or of a virtual machine.
// The runners that GitHub and Azure Pipelines host are machines of Azure too, and have none. Service Fabric, with a
// thumbprint, speaks another protocol.
func azureMachine(env *regpass.Env, _ Target) string {
	switch {
	case env.Getenv("IDENTITY_ENDPOINT") != "" && env.Getenv("IDENTITY_HEADER") != "" &&
		env.Getenv("IDENTITY_SERVER_THUMBPRINT") == "":
		return "the app's managed identity"
	case env.Getenv("RUNNER_ENVIRONMENT") == "github-hosted", env.Getenv("AGENT_ISSELFHOSTED") == "0":
		return ""
	case env.Machine != nil && strings.Contains(env.Machine(), azureAssetTag):
		return "the machine's managed identity"
	}
	return ""
}

// azureMachineToken asks for an access token of the machine's identity; client picks one of several, or is empty.
//
//	GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=…&resource=…&client_id=…   Metadata: true
//	GET $IDENTITY_ENDPOINT?api-version=…&resource=…&client_id=…   X-Identity-Header: $IDENTITY_HEADER
//	{"access_token":…,"expires_on":"1586984735"}
//
// The second one: https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
func azureMachineToken(ctx context.Context, env *regpass.Env, client, resource string) (token, error) {
	const op = "Azure: ask for the managed identity"
	request := regpass.Request{Op: op, Method: http.MethodGet, LinkLocal: true,
		Header: http.Header{"Metadata": {"true"}}}
	at, version := azureMachineHost+"/metadata/identity/oauth2/token", "2018-02-01"
	if app := env.Getenv("IDENTITY_ENDPOINT"); app != "" && env.Getenv("IDENTITY_HEADER") != "" {
		secret, err := regpass.ParseToken(env.Getenv("IDENTITY_HEADER"))
		if err != nil {
			return token{}, fmt.Errorf("IDENTITY_HEADER: %w", err)
		}
		env.Mask(secret)
		at, version = app, "2019-08-01"
		request.Header, request.Keys = nil, map[string]regpass.Secret{"X-Identity-Header": secret}
	}
	u, err := url.Parse(at)
	if err != nil {
		return token{}, regpass.Usagef("IDENTITY_ENDPOINT is not a URL")
	}
	query := u.Query()
	query.Set("api-version", version)
	query.Set("resource", resource)
	if client != "" {
		query.Set("client_id", client)
	}
	u.RawQuery = query.Encode()
	request.URL = u
	answer, err := env.AskMetadata(ctx, request, http.StatusNotFound, http.StatusGone) // as the page above says
	if status(err) == http.StatusBadRequest {
		return token{}, regpass.Hintf(err, "the machine has no such managed identity: assign one to it, or name one of "+
			"several in AZURE_CLIENT_ID")
	}
	if err != nil {
		return token{}, err
	}
	var got azureAnswer
	if err := json.Unmarshal(answer, &got); err != nil {
		return token{}, fmt.Errorf("%s: the answer (%d bytes) is not the expected JSON", op, len(answer))
	}
	return newTokenUntil(env, op, got.Token, got.ExpiresOn, sinceEpoch)
}
