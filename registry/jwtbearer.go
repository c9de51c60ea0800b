package registry

import (
	"github.com/regpass/regpass"
)

// jwtBearer is any server that takes an identity by RFC 7523: as a grant, or in place of a client's secret.
var jwtBearer = Row{
	Name:    "jwt-bearer",
	Title:   "any server that takes identities by RFC 7523, such as Keycloak",
	Proven:  "Keycloak; a strict fake",
	Doc:     "https://datatracker.ietf.org/doc/html/rfc7523",
	Hosts:   []string{"any host, with type=jwt-bearer"},
	Example: "https://pkgs.example/simple/ type=jwt-bearer issuer=https://login.example/realms/acme grant=client",
	Match:   func(*regpass.Env, regpass.Ref) bool { return false },
	Options: append([]Option{
		{Name: "grant", Doc: "user: the identity is the grant (section 2.1); client: it stands for the client's secret " +
			"(section 2.2), as Keycloak's federated clients want; else user", Values: []string{"user", "client"}},
	}, oauthOptions...),
	OIDC:     true,
	Refusals: append(keycloakRefusals, oauthRefusals...),
	Trust:    trustOAuth("the identity provider, and the client,"),
	Open:     openJWTBearer,
	Revoke:   revokeOAuth("jwt-bearer"),
}

// keycloakRefusals are what Keycloak 26.7 answers, which only in its description says what is wrong.
var keycloakRefusals = []Refusal{
	{"Invalid token audience", "Keycloak wants its own issuer as the audience of the identity: leave audience= out"},
	{"User not found", "link a user of the realm to this subject at the identity provider, or set grant=client"},
	{"not supported for the requested client", "allow the client the JWT authorization grant, and the identity provider"},
	{"invalid_client", "with grant=client, enter the identity's issuer and subject at the client; otherwise check " +
		"client-id= and client-secret-var="},
}

// openJWTBearer makes one of the requests of RFC 7523.
//
//	POST TOKEN-ENDPOINT   grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=ID token
//	POST TOKEN-ENDPOINT   grant_type=client_credentials&client_assertion=ID token
//	                      &client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer
//	{"access_token": …, "token_type": …, "expires_in": seconds}
//
// https://www.keycloak.org/docs/latest/server_admin/ has the second under federated client authentication.
func openJWTBearer(_ *regpass.Env, ref regpass.Ref) (Target, error) {
	o, t, err := openOAuth("jwt-bearer", ref)
	client := ref.Options["grant"] == "client"
	if err == nil && client && o.secretVar != "" {
		err = regpass.Usagef("with grant=client the identity stands for the client's secret: leave client-secret-var= out")
	}
	o.grant = func(id regpass.Identity) map[string]any {
		if client {
			return map[string]any{"grant_type": "client_credentials", "client_assertion": id.Token,
				"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
		}
		return map[string]any{"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": id.Token}
	}
	t.exchanger = o
	return t, err
}
