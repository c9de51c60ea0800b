package registry

import (
	"strings"

	"github.com/regpass/regpass"
)

// tokenExchange is any server that exchanges tokens by RFC 8693, for services without a row of their own. Its options
// are the ways in which servers differ from the RFC.
var tokenExchange = Row{
	Name:   "token-exchange",
	Also:   []string{"oauth", "oidc"},
	Title:  "any server that exchanges tokens by RFC 8693",
	Proven: "a strict fake",
	Doc:    "https://datatracker.ietf.org/doc/html/rfc8693",
	Hosts:  []string{"any host, with type=token-exchange"},
	Example: "https://pkgs.example/simple/ type=token-exchange token-url=https://login.example/oauth2/token " +
		"request-audience=pkgs",
	Match: func(*regpass.Env, regpass.Ref) bool { return false },
	Options: append([]Option{
		{Name: "subject-token-type", Doc: "what the identity is called: id_token, jwt, access_token, or a whole URN; " +
			"else id_token"},
		{Name: "requested-token-type", Doc: "what is asked for: access_token, jwt, or a whole URN"},
	}, oauthOptions...),
	OIDC:     true,
	Refusals: oauthRefusals,
	Trust:    trustOAuth("the rules for token exchange"),
	Open:     openTokenExchange,
	Revoke:   revokeOAuth("token-exchange"),
}

// openTokenExchange makes the request of RFC 8693, section 2.1.
//
//	POST TOKEN-ENDPOINT   grant_type=urn:ietf:params:oauth:grant-type:token-exchange
//	                      &subject_token=ID token&subject_token_type=urn:ietf:params:oauth:token-type:id_token
//	{"access_token": …, "issued_token_type": …, "token_type": …, "expires_in": seconds}
func openTokenExchange(_ *regpass.Env, ref regpass.Ref) (Target, error) {
	o, t, err := openOAuth("token-exchange", ref)
	o.grant = func(id regpass.Identity) map[string]any {
		fields := map[string]any{"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
			"subject_token": id.Token, "subject_token_type": tokenType(ref.Options["subject-token-type"], "id_token")}
		if v := ref.Options["requested-token-type"]; v != "" {
			fields["requested_token_type"] = tokenType(v, "")
		}
		return fields
	}
	t.exchanger = o
	return t, err
}

// tokenType is the URN of a token type (RFC 8693, section 3).
func tokenType(name, usual string) string {
	if name == "" {
		name = usual
	}
	if strings.Contains(name, ":") {
		return name
	}
	return "urn:ietf:params:oauth:token-type:" + name
}
