package fake

import (
	"fmt"
	"net/http"
	"time"
)

// GoogleMachine is the metadata server of a machine of Google Cloud, for ID tokens of its service account, and the
// issuer behind it (https://docs.cloud.google.com/compute/docs/instances/verifying-instance-identity).
type GoogleMachine struct {
	*Issuer
	// Claims replace those of the machine in every token; one that is nil is left out.
	Claims map[string]any
	// None says that the machine has no service account.
	None bool

	script
}

// ServeHTTP answers like the metadata server, or with the next answer of Instead.
func (g *GoogleMachine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.serve(w, r, http.HandlerFunc(g.identity))
}

func (g *GoogleMachine) identity(w http.ResponseWriter, r *http.Request) {
	const path = "/computeMetadata/v1/instance/service-accounts/default/identity"
	query := r.URL.Query()
	wrong := func(status int, text string) {
		g.wrong = append(g.wrong, fmt.Sprintf("%s %s: %s", r.Method, r.URL.Path, text))
		http.Error(w, text, status)
	}
	w.Header().Set("Metadata-Flavor", "Google")
	switch {
	case r.Method != http.MethodGet || r.URL.Path != path:
		wrong(http.StatusNotFound, "no such path")
	case r.Header.Get("Metadata-Flavor") != "Google":
		wrong(http.StatusForbidden, "Missing Metadata-Flavor:Google header.")
	case r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Authorization") != "":
		wrong(http.StatusForbidden, "the request came by way of a proxy, or with a proof")
	case len(query) != 2 || query.Get("audience") == "" || query.Get("format") != "full":
		wrong(http.StatusBadRequest, "non-empty audience parameter required, and format=full")
	case g.None:
		http.Error(w, "Not Found", http.StatusNotFound)
	default:
		token, err := g.Sign(g.claims(query.Get("audience")))
		if err != nil {
			wrong(http.StatusInternalServerError, err.Error())
			return
		}
		_, _ = w.Write([]byte(token.Reveal()))
	}
}

// claims are those of a machine with format=full. Such a token lives an hour.
func (g *GoogleMachine) claims(audience string) map[string]any {
	now := g.Now()
	return merged(map[string]any{
		"iss":            "https://accounts.google.com",
		"sub":            "112010400000000710080",
		"azp":            "112010400000000710080",
		"aud":            audience,
		"email":          "ci@acme.iam.gserviceaccount.com",
		"email_verified": true,
		"google": map[string]any{"compute_engine": map[string]any{
			"project_id": "acme", "project_number": 739419398126, "zone": "us-west1-b", "instance_id": "152986662232938449",
			"instance_name": "builder", "instance_creation_timestamp": 1496952205,
		}},
		"iat": now.Unix(),
		"exp": now.Add(time.Hour).Unix(),
	}, g.Claims)
}
