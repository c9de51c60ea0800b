package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
)

// The general rows for OAuth servers share the server: its endpoints, who we are there, and how its answer is read.

// oauthOptions are the options of the general rows for OAuth servers.
var oauthOptions = []Option{
	{Name: "token-url", Doc: "the server's token endpoint"},
	{Name: "issuer", Doc: "the server's issuer, whose metadata names its endpoints; instead of token-url="},
	{Name: "revoke-url", Doc: "the server's revocation endpoint (RFC 7009), if token-url= is given"},
	{Name: "client-id", Doc: "name of the client that is registered at the server"},
	{Name: "client-secret-var", Doc: "variable that holds the client's secret"},
	{Name: "client-auth", Doc: "how the client shows its secret: as Basic authentication, or in the body",
		Values: []string{"basic", "post"}},
	{Name: "request-audience", Doc: "audience of the token that is asked for"},
	{Name: "resource", Doc: "resource of the token that is asked for"},
	{Name: "scope", Doc: "scope of the token that is asked for; commas separate several"},
	{Name: "body", Doc: "media type of the request", Values: []string{"form", "json"}},
	{Name: "token-field", Doc: "field of the answer that is the token, as a.b for b in a; else access_token"},
	{Name: "expires-field", Doc: "field of the answer that says when it ends; else expires_in"},
	{Name: "expires-unit", Doc: "what that field counts: seconds from now, seconds since 1970 or a date of RFC 3339",
		Values: []string{"seconds", "unix", "rfc3339"}},
	{Name: "username", Doc: "user name to send with the token"}, bearerOrBasic,
}

// oauthServer is a server of OAuth 2.0 (RFC 6749).
type oauthServer struct {
	row           string
	issuer, token *url.URL // one of them is set
	clientID      string
	secretVar     string
	grant         func(id regpass.Identity) map[string]any // fields that the grant has beside those of every request
}

// openOAuth reads the options that all rows have.
func openOAuth(row string, ref regpass.Ref) (o oauthServer, t Target, err error) {
	o = oauthServer{row: row, clientID: ref.Options["client-id"], secretVar: ref.Options["client-secret-var"]}
	at, issuer := ref.Options["token-url"], ref.Options["issuer"]
	switch {
	case at != "" && issuer != "":
		err = regpass.Usagef("token-url= and issuer= name two servers")
	case at != "":
		o.token, err = checkedURL("token-url=", at)
		t.Receiver = o.token
	case issuer != "":
		o.issuer, err = checkedURL("issuer=", issuer)
		t.Receiver = o.issuer
	default:
		err = regpass.Hintf(regpass.Usagef("type=%s, but no server is named", row),
			"add token-url= or issuer= to the registry")
	}
	if err == nil && o.clientID == "" && o.secretVar != "" {
		err = regpass.Usagef("client-secret-var= goes with client-id=")
	}
	if err != nil {
		return o, Target{}, err
	}
	t.Audience = cmp.Or(ref.Options["audience"], issuer, at)
	t.Receiver = origin(regpass.Ref{URL: t.Receiver})
	t.Scope = scopeOf(ref)
	t.Revoker, err = o.revoker(ref)
	return o, t, err
}

// revoker is where a token is revoked, with all that revokeOAuth needs in its query: it has no more than this URL.
func (o oauthServer) revoker(ref regpass.Ref) (*url.URL, error) {
	query := url.Values{}
	at := &url.URL{}
	switch text := ref.Options["revoke-url"]; {
	case text != "":
		u, err := checkedURL("revoke-url=", text)
		if err != nil {
			return nil, err
		}
		if u.Host != cmp.Or(o.token, o.issuer).Host {
			return nil, regpass.Usagef("revoke-url= is on another server than the token endpoint")
		}
		*at = *u
		query.Set("query", u.RawQuery)
	case o.issuer != nil:
		*at = *o.issuer
		query.Set("metadata", "true")
	default:
		*at = *o.token
		query.Set("none", "true")
	}
	query.Set("client_id", o.clientID)
	query.Set("secret_var", o.secretVar)
	query.Set("auth", ref.Options["client-auth"])
	at.RawQuery = query.Encode()
	return at, nil
}

// exchange asks the token endpoint.
func (o oauthServer) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	if p.Method != regpass.OIDC {
		return regpass.Credential{}, t.unsupported(p)
	}
	at := o.token
	if at == nil {
		meta, err := askOAuth(ctx, env, o.row, o.issuer)
		if err == nil {
			at, err = meta.endpoint(o.row, "token_endpoint", meta.Token, o.issuer)
		}
		if err != nil {
			return regpass.Credential{}, err
		}
	}
	op := o.row + ": exchange the CI identity"
	var answer []byte
	err := p.withIdentity(ctx, env, o.row, t.Audience, func(ctx context.Context, id regpass.Identity) error {
		fields := o.grant(id)
		for option, field := range map[string]string{"request-audience": "audience", "resource": "resource"} {
			if v := t.Ref.Options[option]; v != "" {
				fields[field] = v
			}
		}
		if v := t.Ref.Options["scope"]; v != "" {
			fields["scope"] = strings.ReplaceAll(v, ",", " ")
		}
		request := regpass.Request{Op: op, Method: http.MethodPost, URL: at,
			Header: http.Header{"Accept": {"application/json"}}}
		err := authOAuth(env, &request, fields, o.clientID, o.secretVar, t.Ref.Options["client-auth"])
		if err != nil {
			return err
		}
		if request.Form = fields; t.Ref.Options["body"] == "json" {
			request.Form, request.JSON = nil, fields
		}
		answer, err = env.Do(ctx, request)
		return err
	})
	if err != nil {
		return regpass.Credential{}, err
	}
	var got map[string]any
	if json.Unmarshal(answer, &got) != nil {
		return regpass.Credential{}, fmt.Errorf("%s: the answer (%d bytes) is not the expected JSON", op, len(answer))
	}
	raw, _ := fieldOf(got, cmp.Or(t.Ref.Options["token-field"], "access_token")).(string)
	end := fieldOf(got, cmp.Or(t.Ref.Options["expires-field"], "expires_in"))
	counted := map[string]unit{"unix": sinceEpoch, "rfc3339": date}
	u, other := counted[t.Ref.Options["expires-unit"]]
	if !other {
		u = fromNow
	}
	minted, err := newTokenUntil(env, op, raw, end, u)
	if err != nil {
		return regpass.Credential{}, err
	}
	return t.present(minted, "")
}

// fieldOf is the value at a path of names with dots between, or nil.
func fieldOf(object map[string]any, path string) any {
	name, rest, more := strings.Cut(path, ".")
	if !more {
		return object[name]
	}
	inner, _ := object[name].(map[string]any)
	return fieldOf(inner, rest)
}

// authOAuth says who we are: with the client's secret as Basic authentication or in the body, or with its name alone
// (RFC 6749, section 2.3.1). The variable with the secret is the one that the person named for this server.
func authOAuth(env *regpass.Env, r *regpass.Request, fields map[string]any, id, secretVar, how string) error {
	if id == "" {
		return nil
	}
	if secretVar == "" {
		fields["client_id"] = id
		return nil
	}
	secret, err := regpass.ParsePassword(env.Getenv(secretVar))
	if err != nil {
		return regpass.NoIdentityf("%s: the variable %s: %w", r.Op, regpass.Quote(secretVar), err)
	}
	env.Mask(secret)
	if how == "post" {
		fields["client_id"], fields["client_secret"] = id, secret
		return nil
	}
	// Both are encoded before they are joined, unlike in other uses of Basic.
	encoded := regpass.NewSecret(url.QueryEscape(secret.Reveal()))
	r.Basic = regpass.Login{Username: url.QueryEscape(id), Password: encoded}
	r.Scrub = append(r.Scrub, secret)
	return nil
}

// oauthMetadata is what a server says of itself (RFC 8414, section 2).
type oauthMetadata struct {
	Issuer string `json:"issuer"`
	Token  string `json:"token_endpoint"`
	Revoke string `json:"revocation_endpoint"`
}

// askOAuth asks an issuer for its metadata, and then at the place where OpenID Connect has it.
//
//	GET /.well-known/oauth-authorization-server/PATH    RFC 8414, section 3.1
//	GET /PATH/.well-known/openid-configuration          OpenID Connect Discovery 1.0, section 4
func askOAuth(ctx context.Context, env *regpass.Env, row string, issuer *url.URL) (oauthMetadata, error) {
	path := strings.TrimSuffix(issuer.Path, "/")
	var got oauthMetadata
	var err error
	for _, p := range []string{"/.well-known/oauth-authorization-server" + path,
		path + "/.well-known/openid-configuration"} {
		err = env.Retry(ctx, func(ctx context.Context) error {
			return env.DoJSON(ctx, regpass.Request{Op: row + ": ask for the endpoints", Method: http.MethodGet,
				URL: apiURL(issuer, p)}, &got)
		})
		if status(err) != http.StatusNotFound {
			break
		}
	}
	if err != nil {
		return oauthMetadata{}, regpass.Hintf(err, "write token-url= instead of issuer=, if the server has no metadata")
	}
	if got.Issuer != issuer.String() {
		return oauthMetadata{}, regpass.Hintf(fmt.Errorf("%s: ask for the endpoints: the server calls itself %s, not %s", row,
			regpass.Quote(got.Issuer), regpass.Quote(issuer.String())), "write issuer= as the server does, if that is right")
	}
	return got, nil
}

// endpoint is one of the endpoints, which must be on the issuer's own server: it is shown the identity.
func (m oauthMetadata) endpoint(row, name, text string, issuer *url.URL) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, text == "", u.User != nil, u.Fragment != "":
		return nil, fmt.Errorf("%s: ask for the endpoints: the answer has no %s", row, name)
	case u.Scheme != issuer.Scheme || u.Host != issuer.Host:
		err := fmt.Errorf("%s: ask for the endpoints: the %s is on %s, which is not the issuer's server", row, name,
			regpass.Quote(u.Host))
		return nil, regpass.Hintf(err, "if you know that it is right, write token-url= instead of issuer=")
	}
	return u, nil
}

// revokeOAuth ends a token.
//
//	POST REVOCATION-ENDPOINT   token=…&token_type_hint=access_token
//
// RFC 7009. 200 stands also for a token that had ended.
func revokeOAuth(row string) func(context.Context, *regpass.Env, *url.URL, regpass.Credential) error {
	return func(ctx context.Context, env *regpass.Env, at *url.URL, cred regpass.Credential) error {
		how := at.Query()
		u := *at
		u.RawQuery = how.Get("query")
		switch {
		case how.Get("none") != "":
			return ErrEndsItself
		case how.Get("metadata") != "":
			meta, err := askOAuth(ctx, env, row, &u)
			if err != nil {
				return err
			}
			if meta.Revoke == "" {
				return ErrEndsItself
			}
			found, err := meta.endpoint(row, "revocation_endpoint", meta.Revoke, &u)
			if err != nil {
				return err
			}
			u = *found
		}
		fields := map[string]any{"token": cred.Secret, "token_type_hint": "access_token"}
		request := regpass.Request{Op: row + ": revoke the token", Method: http.MethodPost, URL: &u}
		err := authOAuth(env, &request, fields, how.Get("client_id"), how.Get("secret_var"), how.Get("auth"))
		if err != nil {
			return err
		}
		request.Form = fields
		return env.Retry(ctx, func(ctx context.Context) error {
			_, err := env.Do(ctx, request)
			return err
		})
	}
}

// oauthRefusals are the errors of RFC 6749, section 5.2, and RFC 8693, section 2.2.2.
var oauthRefusals = []Refusal{
	{"invalid_client", "the server does not know the client, or its secret: check client-id= and client-secret-var="},
	{"unauthorized_client", "the client may not use this grant: allow it at the server"},
	{"unsupported_grant_type", "the server does not offer this grant to this client: switch it on, or use another type="},
	{"invalid_target", "the server gives no token for this audience or resource: check request-audience= and resource="},
	{"invalid_scope", "the server does not give this scope: check scope="},
	{"invalid_grant", "the server does not trust the identity: enter its issuer, audience and subject there"},
	{"invalid_request", "the server misses a field, or does not know a value of one"},
}

// trustOAuth lists what a server of any make must be told.
func trustOAuth(where string) func(*regpass.Env, Target, Job) (Trust, error) {
	return func(_ *regpass.Env, t Target, j Job) (Trust, error) {
		notes := []string{"Enter the subject as it is, and the numbers among the claims where the server can compare them.",
			"A server that only checks the issuer lets in every job of that CI system."}
		if j.passing() {
			notes = append(notes, passingNote)
		}
		fields := []Field{{"issuer", j.Issuer}, {"audience", j.Audience}, {"subject", j.Subject()}}
		further := claimMap(j.telling())
		if delete(further, "sub"); len(further) > 0 {
			fields = append(fields, Field{"further claims", compactJSON(further)})
		}
		return Trust{Where: where + " at " + t.Receiver.Host, Fields: fields, Notes: notes}, nil
	}
}
