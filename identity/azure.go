package identity

import (
	"context"
	"fmt"
	"net/http"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
)

// The variables of a job that name its token service and let it in, and the connection whose identity it asks for. The
// last is set by the tasks AzureCLI@2 and AzurePowerShell@5, and read by the Azure SDKs' users.
const (
	azureURL        = "SYSTEM_OIDCREQUESTURI"
	azurePassword   = "SYSTEM_ACCESSTOKEN"
	azureConnection = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"
)

// azureToken asks the organization for a token, of the pipeline's own or of a service connection's identity. All are
// for ci.Azure's audience, which Provider.Get compares with the registry's.
// https://learn.microsoft.com/en-us/rest/api/azure/devops/distributedtask/oidctoken/create
func azureToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	if env.Getenv(azureURL) == "" || env.Getenv(azurePassword) == "" {
		return regpass.Secret{}, azureMissing(env, audience)
	}
	u, bearer, err := tokenService(env, azureURL, azurePassword)
	if err != nil {
		return regpass.Secret{}, err
	}
	query := u.Query()
	query.Set("api-version", "7.1") // without it, the answer is 400
	if id := env.Getenv(azureConnection); id != "" {
		query.Set("serviceConnectionId", id)
	}
	u.RawQuery = query.Encode()
	token, err := askForToken(ctx, env, "oidcToken", regpass.Request{
		Method: http.MethodPost, URL: u, Bearer: bearer,
		Header: http.Header{
			"Content-Type":          {"application/json"},
			"X-Tfs-Fedauthredirect": {"Suppress"}, // answer 401 instead of a redirect to a login page
		},
	})
	return token, regpass.Hintf(err, "SYSTEM_ACCESSTOKEN must be this job's own; %s, if set, must name a service "+
		"connection that this pipeline may use", azureConnection)
}

func azureSetup(audience string) string {
	const format = "env:\n  %s: $(System.AccessToken)  # to ask for an ID token for %s"
	return fmt.Sprintf(format, azurePassword, regpass.Quote(audience))
}

func azureMissing(env *regpass.Env, audience string) error {
	switch {
	case !ci.Azure.Detect(env):
		err := regpass.NoIdentityf("this is not a job of Azure Pipelines, or its variables are not passed on")
		return regpass.Hintf(err, "in a container that the job starts itself, pass on %s and %s", azureURL, azurePassword)
	case env.Getenv(azurePassword) == "":
		err := regpass.NoIdentityf("this step may not ask for an ID token: %s is not set", azurePassword)
		return regpass.Hintf(err, "set an API key of the registry, or add to the step (`regpass init azure` "+
			"prints which of the two fits):\n%s", azureSetup(audience))
	}
	err := regpass.NoIdentityf("this server offers no ID tokens: %s is not set", azureURL)
	return regpass.Hintf(err, "use an API key of the registry; an Azure DevOps Server has no ID tokens")
}
