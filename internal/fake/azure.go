package fake

import (
	"crypto/rand"
	"io"
	"net/http"
	"time"
)

// AzureAudience is the audience of all ID tokens of Azure Pipelines.
const AzureAudience = "api://AzureADTokenExchange"

// Azure is a job of Azure Pipelines, and the token service of its organization
// (https://learn.microsoft.com/en-us/rest/api/azure/devops/distributedtask/oidctoken/create). The request is that of
// the Azure SDKs.
type Azure struct {
	*Issuer
	// Claims replace those of the job in every token; one that is nil is left out.
	Claims map[string]any
	// Connection is the id of a service connection that the pipeline may use, or empty.
	Connection string

	script
	path, access string
}

// NewAzure makes a job. The caller serves it, sets the URL of issuer, and passes the fake's URL to Environ.
func NewAzure(issuer *Issuer) *Azure {
	return &Azure{Issuer: issuer, access: rand.Text(),
		path: "/acme/" + uuid() + "/_apis/distributedtask/hubs/build/plans/" + uuid() + "/jobs/" + uuid() + "/oidctoken"}
}

// Environ lists the variables of a step, NAME=value. url is the address of the fake, and temp the agent's folder for
// the job. SYSTEM_ACCESSTOKEN is not among them: a step has it only if its env names it.
func (a *Azure) Environ(url, temp string) []string {
	return []string{
		"AGENT_TEMPDIRECTORY=" + temp,
		"BUILD_BUILDID=7",
		"CI=true",
		"SYSTEM_COLLECTIONURI=https://dev.azure.com/acme/",
		"SYSTEM_JOBID=12f1170f-54f2-53f3-20dd-22fc7dff55f9",
		"SYSTEM_OIDCREQUESTURI=" + url + a.path,
		"TF_BUILD=True",
	}
}

// AccessToken is what $(System.AccessToken) stands for.
func (a *Azure) AccessToken() string { return a.access }

// ServeHTTP answers a request for a token.
func (a *Azure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.serve(w, r, http.HandlerFunc(a.token))
}

func (a *Azure) token(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	version, connection := query["api-version"], query.Get("serviceConnectionId")
	_, asked := query["serviceConnectionId"]
	body, err := io.ReadAll(io.LimitReader(r.Body, 1))
	switch {
	case r.URL.Path != a.path:
		a.refuse(w, r, http.StatusNotFound, "Not Found", "the controller for this path was not found")
	case r.Method != http.MethodPost:
		a.refuse(w, r, http.StatusMethodNotAllowed, "Method Not Allowed", "only POST is supported")
	case r.Header.Get("Authorization") != "Bearer "+a.access:
		status := http.StatusFound // to a login page
		if r.Header.Get("X-TFS-FedAuthRedirect") == "Suppress" {
			status = http.StatusUnauthorized
		}
		a.refuse(w, r, status, "TF400813: The user '' is not authorized to access this resource.", "not this job's token")
	case r.Header.Get("X-TFS-FedAuthRedirect") != "Suppress" || r.Header.Get("Content-Type") != "application/json":
		a.refuse(w, r, http.StatusBadRequest, "Bad Request", "headers of the SDKs are missing")
	case !only(version, "7.1"):
		a.refuse(w, r, http.StatusBadRequest, "Bad Request", "No api-version was supplied for the request.")
	case asked && (connection == "" || connection != a.Connection):
		a.refuse(w, r, http.StatusBadRequest, "Bad Request", "the service connection is not one of the pipeline's")
	case len(query) > 1 && !asked || len(query) > 2:
		a.refuse(w, r, http.StatusBadRequest, "Bad Request", "the query holds more than it needs")
	case r.ContentLength != 0 || err != nil || len(body) > 0:
		a.refuse(w, r, http.StatusBadRequest, "Bad Request", "a request for a token has no body")
	default:
		token, err := a.Sign(a.claims(asked))
		if err != nil {
			a.refuse(w, r, http.StatusInternalServerError, "Internal Server Error", err.Error())
			return
		}
		writeJSON(w, map[string]any{"oidcToken": token.Reveal()})
	}
}

// claims are those of a pipeline, or of a service connection, of which the token tells no more than its name. Such a
// token lives five minutes, and nbf is ten minutes before that.
func (a *Azure) claims(connection bool) map[string]any {
	now := a.Now()
	claims := map[string]any{
		"jti": uuid(),
		"sub": "sc://acme/app/registry",
		"aud": AzureAudience,
		"iat": now.Unix(),
		"nbf": now.Add(-10 * time.Minute).Unix(),
		"exp": now.Add(5 * time.Minute).Unix(),
	}
	if !connection {
		claims = merged(claims, map[string]any{
			"sub":     "p://acme/app/build",
			"org_id":  "f2c8b3a1-6f3e-4a86-9d0b-5d2b6a7a1f10",
			"prj_id":  "0b8cf0ba-5e4f-4b1c-8a59-3c8ab30aa0c7",
			"def_id":  "1",
			"rpo_id":  "acme/app",
			"rpo_uri": "https://github.com/acme/app.git",
			"rpo_ver": "10b9a3f1c6e2d4857f0a9b8c7d6e5f4a3b2c1d0e",
			"rpo_ref": "refs/heads/main",
			"run_id":  "5",
		})
	}
	return merged(claims, a.Claims)
}
