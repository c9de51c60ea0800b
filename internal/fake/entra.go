package fake

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Entra is the part of Azure that registries need: the token service of one tenant with one application, a feed of
// Azure Artifacts, a container registry, and the two places where machines get tokens. It reads the claims of
// identities without verifying their signatures.
type Entra struct {
	Now      func() time.Time
	Tenant   string
	Client   string // client id of the application
	Issuer   string // of its federated credential; empty: any
	Subject  string // of its federated credential; empty: any
	Audience string // of its federated credential
	Registry string // host of the container registry
	// FeedTenant is what the feed says about its organization; empty: everyone may read the feed.
	FeedTenant string
	Lifetime   time.Duration
	// MachineSecret is what an app must show for its managed identity.
	MachineSecret string

	tokens map[string]string // the resource of each access token that was made
	forms  []url.Values      // that the token service got
	script
}

// NewEntra makes a tenant with an application that the identities of every issuer may become.
func NewEntra(now func() time.Time) *Entra {
	const tenant = "11111111-2222-4333-8444-555555555555"
	return &Entra{Now: now, Tenant: tenant, Client: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
		Audience: "api://AzureADTokenExchange", Registry: "acmeimages.azurecr.io", FeedTenant: tenant, Lifetime: time.Hour,
		MachineSecret: "the-secret-of-the-app", tokens: map[string]string{}}
}

// Tokens lists the access tokens that were made.
func (e *Entra) Tokens() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Keys(e.tokens))
}

// Forms lists what the token service was sent.
func (e *Entra) Forms() []url.Values {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.forms)
}

// ServeHTTP answers like the service that the request is for, or with the next answer of Instead.
func (e *Entra) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.serve(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what := r.Method + " " + strings.Replace(r.URL.Path, e.Tenant, "TENANT", 1)
		switch {
		case r.Host == "pkgs.dev.azure.com" || strings.HasSuffix(r.Host, ".pkgs.visualstudio.com"):
			e.feed(w, r)
		case r.Host == e.Registry:
			e.refreshToken(w, r)
		case what == "GET /metadata/identity/oauth2/token":
			e.machine(w, r, "2018-02-01", r.Host == "169.254.169.254" && r.Header.Get("Metadata") == "true")
		case what == "GET /msi/token":
			e.machine(w, r, "2019-08-01", r.Header.Get("X-Identity-Header") == e.MachineSecret)
		case what == "GET /TENANT/v2.0/.well-known/openid-configuration": // the SDK asks; regpass does not
			at := "https://" + r.Host + "/" + e.Tenant
			answer(w, http.StatusOK, map[string]any{"issuer": at + "/v2.0", "token_endpoint": at + "/oauth2/v2.0/token",
				"authorization_endpoint": at + "/oauth2/v2.0/authorize"})
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/oauth2/v2.0/token"):
			e.accessToken(w, r)
		default:
			e.refuse(w, r, http.StatusNotFound, "Not Found", "there is no such page at "+r.Host)
		}
	}))
}

// feed answers whoever shows no proof.
func (e *Entra) feed(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet || r.Header.Get("Authorization") != "" || r.URL.RawQuery != "":
		e.refuse(w, r, http.StatusBadRequest, "Bad Request", "this is no question without a proof")
	case r.Header.Get("X-TFS-FedAuthRedirect") != "Suppress":
		http.Redirect(w, r, "https://spsprodweu1.vssps.visualstudio.com/_signin", http.StatusFound)
	case e.FeedTenant == "":
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><body></body></html>")
	default:
		w.Header().Set("X-VSS-ResourceTenant", e.FeedTenant)
		w.Header().Set("X-VSS-AuthorizationEndpoint", "https://vssps.dev.azure.com/acme/")
		w.Header().Add("WWW-Authenticate", "Bearer authorization_uri=https://login.microsoftonline.com/"+e.FeedTenant)
		w.Header().Add("WWW-Authenticate", `Basic realm="https://pkgs.dev.azure.com/"`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"$id":"1","message":"TF400813: The user '' is not authorized to access this resource."}`)
	}
}

// refuseEntra answers as the token service does, and remembers the mistake.
func (e *Entra) refuseEntra(w http.ResponseWriter, r *http.Request, status int, kind string, code int, text string) {
	e.wrong = append(e.wrong, fmt.Sprintf("%s %s: AADSTS%d", r.Method, r.URL.Path, code))
	answer(w, status, map[string]any{"error": kind,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", code, text, uuid(),
			uuid(), e.Now().UTC().Format("2006-01-02 15:04:05Z")),
		"error_codes": []int{code}, "timestamp": e.Now().UTC().Format("2006-01-02 15:04:05Z"), "trace_id": uuid(),
		"correlation_id": uuid(), "error_uri": fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", code)})
}

// accessToken is the grant of client credentials with a federated credential.
func (e *Entra) accessToken(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	e.forms = append(e.forms, form)
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	const federation = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	resource, rest, _ := strings.Cut(form.Get("scope"), "/.default")
	switch {
	case err != nil || media != "application/x-www-form-urlencoded" || r.Header.Get("Authorization") != "" ||
		r.URL.RawQuery != "" || form.Get("grant_type") != "client_credentials":
		e.refuseEntra(w, r, http.StatusBadRequest, "unsupported_grant_type", 70003, "The app requested an unsupported grant "+
			"type.")
	case form.Get("client_assertion_type") != federation || form.Get("client_secret") != "":
		e.refuseEntra(w, r, http.StatusUnauthorized, "invalid_client", 7000216,
			"'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.")
	case r.URL.Path != "/"+e.Tenant+"/oauth2/v2.0/token":
		e.refuseEntra(w, r, http.StatusBadRequest, "invalid_request", 90002, fmt.Sprintf("Tenant '%s' not found. Check to "+
			"make sure you have the correct tenant ID and are signing into the correct cloud.",
			strings.Split(r.URL.Path, "/")[1]))
	case form.Get("client_id") != e.Client:
		e.refuseEntra(w, r, http.StatusBadRequest, "unauthorized_client", 700016, fmt.Sprintf("Application with identifier "+
			"'%s' was not found in the directory '%s'.", form.Get("client_id"), "Acme"))
	case resource == "" || strings.Trim(rest, " ") != "" && rest != " openid offline_access profile":
		e.refuseEntra(w, r, http.StatusBadRequest, "invalid_scope", 1002012,
			fmt.Sprintf("The provided value for scope %s is not valid.", form.Get("scope")))
	case e.trusts(w, r, form.Get("client_assertion")):
		answer(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": int(e.Lifetime.Seconds()),
			"ext_expires_in": int(e.Lifetime.Seconds()), "access_token": e.newToken(resource)})
	}
}

// trusts compares an identity with the federated credential. It has answered if they do not match.
func (e *Entra) trusts(w http.ResponseWriter, r *http.Request, assertion string) bool {
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(assertion, claims); err != nil {
		e.refuseEntra(w, r, http.StatusBadRequest, "invalid_request", 50027, "JWT token is invalid or malformed.")
		return false
	}
	audiences, _ := claims.GetAudience()
	subject, _ := claims.GetSubject()
	issuer, _ := claims.GetIssuer()
	expires, err := claims.GetExpirationTime()
	none := func(code int, what, value string) {
		e.refuseEntra(w, r, http.StatusUnauthorized, "invalid_client", code, fmt.Sprintf("No matching federated identity "+
			"record found for presented assertion %s '%s'. Check your federated identity credential Subject, Audience and "+
			"Issuer against the presented assertion.", what, value))
	}
	switch {
	case err != nil || expires == nil || !expires.After(e.Now()):
		e.refuseEntra(w, r, http.StatusUnauthorized, "invalid_client", 700024, "Client assertion is not within its valid "+
			"time range.")
	case e.Issuer != "" && issuer != e.Issuer:
		none(700211, "issuer", issuer)
	case !slices.Contains(audiences, e.Audience):
		none(700212, "audience", strings.Join(audiences, " "))
	case e.Subject != "" && subject != e.Subject:
		none(700213, "subject", subject)
	default:
		return true
	}
	return false
}

// signedBy is a JSON Web Token that nobody verifies.
func (e *Entra) signedBy(claims jwt.MapClaims, lifetime time.Duration) string {
	claims["exp"], claims["jti"] = e.Now().Add(lifetime).Unix(), uuid()
	token, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("toy"))
	return token
}

func (e *Entra) newToken(resource string) string {
	token := e.signedBy(jwt.MapClaims{"aud": resource, "tid": e.Tenant, "appid": e.Client}, e.Lifetime)
	e.tokens[token] = resource
	return token
}

// machine answers for the managed identity of a machine or an app.
func (e *Entra) machine(w http.ResponseWriter, r *http.Request, version string, shown bool) {
	query := r.URL.Query()
	switch client := query.Get("client_id"); {
	case !shown || query.Get("api-version") != version || query.Get("resource") == "":
		e.refuse(w, r, http.StatusForbidden, "Forbidden", "the header or the version is wrong")
	case client != "" && client != e.Client:
		e.wrong = append(e.wrong, "another managed identity")
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_request",
			"error_description": "Identity not found"})
	default:
		ends := fmt.Sprint(e.Now().Add(e.Lifetime).Unix())
		answer(w, http.StatusOK, map[string]any{"access_token": e.newToken(query.Get("resource")), "client_id": e.Client,
			"expires_in": fmt.Sprint(int(e.Lifetime.Seconds())), "expires_on": ends, "resource": query.Get("resource"),
			"token_type": "Bearer"})
	}
}

// refreshToken is the exchange of the container registry (https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md).
func (e *Entra) refreshToken(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	tenant := form.Get("tenant")
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/oauth2/exchange" || r.URL.RawQuery != "" ||
		r.Header.Get("Authorization") != "" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" ||
		form.Get("grant_type") != "access_token" || form.Get("service") != e.Registry ||
		e.tokens[form.Get("access_token")] != "https://containerregistry.azure.net" || tenant != "" && tenant != e.Tenant {
		e.wrong = append(e.wrong, r.Method+" "+r.URL.Path+": not authorized")
		answer(w, http.StatusUnauthorized, map[string]any{"errors": []any{map[string]any{"code": "UNAUTHORIZED",
			"message": "authentication required, visit https://aka.ms/acr/authorization for more information.",
			"detail":  nil}}})
		return
	}
	answer(w, http.StatusOK, map[string]any{"refresh_token": e.signedBy(jwt.MapClaims{"aud": e.Registry,
		"grant_type": "refresh_token", "tenant": e.Tenant, "iss": "Azure Container Registry"}, 3*e.Lifetime)})
}
