package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
)

// vault is HashiCorp Vault and OpenBao, as the keeper of any registry's secret: the identity logs in to Vault, and what
// lies at secret= is the registry's user name and password, or its token. Without secret=, Vault's token is.
var vault = Row{
	Name:    "vault",
	Also:    []string{"openbao", "bao", "hashicorp"},
	Title:   "any registry whose secret is in HashiCorp Vault or OpenBao",
	Proven:  "OpenBao, run once by hand; a strict fake",
	Doc:     "https://developer.hashicorp.com/vault/docs/auth/jwt",
	Hosts:   []string{"any host, with type=vault"},
	Example: "https://pkgs.example/simple/ type=vault addr=https://vault.example:8200 role=ci secret=secret/data/pkgs",
	Match:   func(*regpass.Env, regpass.Ref) bool { return false },
	Proofs: []Source{ // OpenBao's own variables go before Vault's there
		{Method: regpass.APIKey, Vars: []string{"BAO_TOKEN"}, Server: "BAO_ADDR",
			Doc:  "for the server that BAO_ADDR or VAULT_ADDR names",
			Read: readVaultToken("BAO_TOKEN", "BAO_ADDR", "VAULT_ADDR")},
		{Method: regpass.APIKey, Vars: []string{"VAULT_TOKEN"}, Server: "VAULT_ADDR",
			Doc:  "for the server that VAULT_ADDR or BAO_ADDR names",
			Read: readVaultToken("VAULT_TOKEN", "VAULT_ADDR", "BAO_ADDR")},
	},
	Options: []Option{vaultAddr, vaultRole, vaultMount, vaultNamespace, vaultSecret,
		{Name: "field", Doc: "field of the secret that is the password or token; else password, token or access_token"},
		{Name: "username", Doc: "user name, if the secret has no field username"}, bearerOrBasic},
	OIDC:      true,
	Exchanges: true,
	Refusals:  vaultRefusals,
	Trust:     trustVault,
	Open:      openVault,
	Revoke:    revokeVault,
}

// The options that decide what is got, and where.
var (
	vaultAddr = Option{Name: "addr", Vars: []string{"BAO_ADDR", "VAULT_ADDR"}, Doc: "URL of the server"}
	vaultRole = Option{Name: "role", Vars: []string{"VAULT_AUTH_ROLE"},
		Doc: "role of the auth method; the method's default role if it is not given"}
	vaultMount = Option{Name: "path", Vars: []string{"VAULT_AUTH_PATH"},
		Doc: "path at which the auth method is mounted; jwt if it is not given"}
	vaultNamespace = Option{Name: "namespace", Vars: []string{"BAO_NAMESPACE", "VAULT_NAMESPACE"}, Doc: "namespace"}
	vaultSecret    = Option{Name: "secret",
		Doc: "path of the registry's secret, as in the API: secret/data/NAME for KV version 2; else Vault's own token"}
)

// vaultPath matches a path in Vault's API, without a slash at its ends.
var vaultPath = regpass.Pattern(`^[\w.@~+-]+(?:/[\w.@~+-]+)*$`)

// vaultRef is a secret in Vault.
type vaultRef struct {
	base                           *url.URL // with the path that a proxy may serve Vault at
	role, mount, namespace, secret string
}

func openVault(env *regpass.Env, ref regpass.Ref) (Target, error) {
	addr := vaultAddr.value(env, ref)
	if addr == "" {
		err := regpass.Usagef("type=vault, but no server of Vault is named")
		return Target{}, regpass.Hintf(err, "set VAULT_ADDR, or add addr=https://HOST:8200 to the registry")
	}
	base, err := checkedURL("addr= or VAULT_ADDR", addr)
	if err != nil {
		return Target{}, err
	}
	v := vaultRef{base: baseOf(base), role: vaultRole.value(env, ref), namespace: vaultNamespace.value(env, ref),
		mount:  strings.Trim(cmp.Or(vaultMount.value(env, ref), "jwt"), "/"),
		secret: strings.TrimPrefix(strings.Trim(vaultSecret.value(env, ref), "/"), "v1/")}
	for name, path := range map[string]string{"path": v.mount, "secret": v.secret} {
		if path != "" && (!vaultPath().MatchString(path) || strings.Contains("/"+path+"/", "/../") ||
			strings.Contains("/"+path+"/", "/./")) {
			return Target{}, regpass.Usagef("%s=%s is no path in Vault", name, regpass.Quote(path))
		}
	}
	if strings.ContainsFunc(v.namespace, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Target{}, regpass.Usagef("the namespace %s of Vault is not plain text", regpass.Quote(v.namespace))
	}
	scope := strings.Join([]string{scopeOf(ref), v.namespace, v.mount, v.role, v.secret}, " ")
	revoker := *v.base
	revoker.RawQuery = url.Values{"namespace": {v.namespace}}.Encode() // the token is only known there
	return Target{Receiver: v.base, Revoker: &revoker, Scope: scope, Narrow: true, exchanger: v,
		Audience: cmp.Or(ref.Options["audience"], v.base.Scheme+"://"+v.base.Host)}, nil
}

// readVaultToken reads a token of Vault's. Only the server that the variables beside it name may see it.
func readVaultToken(name string, addrs ...string) func(*regpass.Env, Target) (Proof, bool, error) {
	return func(env *regpass.Env, t Target) (Proof, bool, error) {
		v, _ := t.exchanger.(vaultRef)
		_, addr := env.Lookup(addrs...)
		of, err := url.Parse(addr)
		value := env.Getenv(name)
		if value == "" || err != nil || v.base == nil || baseOf(of).String() != v.base.String() {
			return Proof{}, false, nil
		}
		method := regpass.APIKey
		if v.secret == "" {
			method = regpass.ReadyToken
		}
		return Proof{Method: method, From: name, Secret: regpass.SecretLine(value)}, true, nil
	}
}

// exchange logs in, and reads the registry's secret. What it logged in with ends the credential.
func (v vaultRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	var login token
	var err error
	switch p.Method {
	case regpass.OIDC:
		login, err = v.login(ctx, env, t, p)
	case regpass.ReadyToken, regpass.APIKey:
		login, err = p.readyToken(env, "vault")
	default:
		err = t.unsupported(p)
	}
	if err != nil {
		return regpass.Credential{}, err
	}
	var cred regpass.Credential
	if v.secret == "" {
		cred, err = t.present(login, "")
	} else {
		cred, err = v.read(ctx, env, t, login)
	}
	if p.Method != regpass.OIDC {
		return cred, err
	}
	cred.Ender = login.secret
	if err != nil && ctx.Err() == nil { // nobody will use the login
		_ = revokeVault(ctx, env, t.Revoker, cred)
	}
	if err != nil {
		return regpass.Credential{}, err
	}
	return cred, nil
}

// header is what every request to Vault has
// (https://developer.hashicorp.com/vault/docs/concepts/request-headers). OpenBao kept the names.
func vaultHeader(namespace string) http.Header {
	h := http.Header{"X-Vault-Request": {"true"}}
	if namespace != "" {
		h.Set("X-Vault-Namespace", namespace)
	}
	return h
}

// login exchanges an identity for a token of Vault's.
//
//	POST /v1/auth/jwt/login   {"role": …, "jwt": ID token}
//	{"auth": {"client_token": …, "lease_duration": seconds, "token_type": "service"}}
//
// https://developer.hashicorp.com/vault/api-docs/auth/jwt#jwt-login
func (v vaultRef) login(ctx context.Context, env *regpass.Env, t Target, p Proof) (token, error) {
	const op = "vault: log in"
	var got struct {
		Auth struct {
			Token string `json:"client_token"`
			Lease any    `json:"lease_duration"`
		}
	}
	err := p.withIdentity(ctx, env, "vault", t.Audience, func(ctx context.Context, id regpass.Identity) error {
		body := map[string]any{"jwt": id.Token}
		if v.role != "" {
			body["role"] = v.role
		}
		return vaultTryAgain(env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost,
			URL: v.base.JoinPath("v1/auth", v.mount, "login"), Header: vaultHeader(v.namespace), JSON: body}, &got))
	})
	if err != nil {
		return token{}, err
	}
	return newTokenUntil(env, op, got.Auth.Token, got.Auth.Lease, fromNow)
}

// read reads the registry's secret. It serves for as long as the login: then a changed one is read.
//
//	GET /v1/secret/data/pkgs   X-Vault-Token: TOKEN
//	{"data": {"data": {"username": …, "password": …}, "metadata": {…}}}        KV version 2
//	{"data": {"username": …, "password": …}, "lease_id": …, "lease_duration": seconds}   others
//
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version
func (v vaultRef) read(ctx context.Context, env *regpass.Env, t Target, login token) (regpass.Credential, error) {
	const op = "vault: read the secret"
	var got struct {
		Data  map[string]any
		ID    string `json:"lease_id"`
		Lease any    `json:"lease_duration"`
	}
	err := env.Retry(ctx, func(ctx context.Context) error {
		return vaultTryAgain(env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodGet,
			URL: v.base.JoinPath("v1", v.secret), Header: vaultHeader(v.namespace),
			Keys: map[string]regpass.Secret{"X-Vault-Token": login.secret}}, &got))
	})
	if err != nil {
		return regpass.Credential{}, err
	}
	fields := got.Data
	if inner, ok := fields["data"].(map[string]any); ok && fields["metadata"] != nil {
		fields = inner
	}
	found := token{expires: login.expires}
	if found.secret, err = vaultField(fields, t.Ref.Options["field"]); err != nil {
		return regpass.Credential{}, regpass.Hintf(fmt.Errorf("%s %s: %w", op, regpass.Quote(v.secret), err),
			"add field=NAME to the registry, if the password or token is in another field")
	}
	env.Mask(found.secret)
	end, err := expiry(env, found.secret)
	if err != nil {
		return regpass.Credential{}, fmt.Errorf("%s %s: %w", op, regpass.Quote(v.secret), err)
	}
	found.expires = first(found.expires, end)
	if got.ID != "" { // a secret that was made for us; KV has no leases
		if end, err = ends(env, op, got.Lease, fromNow); err != nil {
			return regpass.Credential{}, err
		}
		found.expires = first(found.expires, end)
	}
	username, _ := fields["username"].(string)
	return t.present(found, username)
}

// errCommand is for a secret that a runner would obey if a job printed it.
var errCommand = errors.New("it is a command to a CI system's runner")

// vaultField finds the password or token of a secret. People choose them, so they may be short and hold spaces.
func vaultField(fields map[string]any, name string) (regpass.Secret, error) {
	names := []string{"password", "token", "access_token"}
	if name != "" {
		names = []string{name}
	}
	for _, n := range names {
		value, ok := fields[n].(string)
		if !ok {
			continue
		}
		secret, err := regpass.ParsePassword(value)
		if err == nil && (strings.HasPrefix(value, "::") || regpass.Inert(value) != value) {
			err = errCommand
		}
		if err != nil {
			return regpass.Secret{}, fmt.Errorf("the field %s: %w", regpass.Quote(n), err)
		}
		return secret, nil
	}
	return regpass.Secret{}, fmt.Errorf("it has no text in a field %s", strings.Join(names, ", "))
}

// revokeVault ends a login, and with it the secrets that were made for it.
//
//	POST /v1/auth/token/revoke-self   X-Vault-Token: TOKEN
//
// https://developer.hashicorp.com/vault/api-docs/auth/token#revoke-a-token-self
func revokeVault(ctx context.Context, env *regpass.Env, base *url.URL, cred regpass.Credential) error {
	if cred.Ender.Empty() { // read with the user's own token
		return ErrEndsItself
	}
	return env.Retry(ctx, func(ctx context.Context) error {
		_, err := env.Do(ctx, regpass.Request{Op: "vault: log out", Method: http.MethodPost,
			URL: baseOf(base).JoinPath("v1/auth/token/revoke-self"), Header: vaultHeader(base.Query().Get("namespace")),
			Keys: map[string]regpass.Secret{"X-Vault-Token": cred.Ender}})
		return vaultTryAgain(err)
	})
}

// vaultTryAgain marks a replica's answer that it has not seen a write yet
// (https://developer.hashicorp.com/vault/docs/enterprise/consistency), and a standby's, which has no leader yet.
func vaultTryAgain(err error) error {
	if s := status(err); s == http.StatusPreconditionFailed || s == 473 {
		return regpass.TryAgain(err)
	}
	return err
}

// vaultRefusals are what the auth method answers (vault-plugin-auth-jwt, path_login.go), and the secrets engines.
var vaultRefusals = []Refusal{
	{"could not be found", "the auth method has no role of that name: set role= or VAULT_AUTH_ROLE, and path= if the " +
		"method is not mounted at jwt"},
	{"missing role", "the auth method has no default role: set role= or VAULT_AUTH_ROLE"},
	{"could not load configuration", "the auth method at this path has no issuer yet: `regpass trust` prints it"},
	{"error validating token", "the auth method trusts another issuer or the role another audience or subject"},
	{"error validating claims", "the role's bound_claims do not match these claims"},
	{"no audiences bound to the role", "the role has no bound_audiences: enter the audience there"},
	{"role with oidc role_type", "the role is for people with a browser: make one with role_type=jwt"},
	{"no handler for route", "nothing is mounted at this path: set path= for the auth method, or change secret="},
	{"Invalid path for a versioned K/V", "this is KV version 2: write secret=MOUNT/data/NAME"},
	{"vault: read the secret: GET", "403: the role's policies lack read on this path; 404: there is no secret at it, or " +
		"it is KV version 2 and its path needs data/ behind the mount"},
	{"permission denied", "Vault does not say why: nothing may be mounted at path=, the namespace may be wrong, or the " +
		"role bound to other addresses"},
}

// trustVault lets one job log in and read the one secret.
func trustVault(_ *regpass.Env, t Target, j Job) (Trust, error) {
	v, _ := t.exchanger.(vaultRef)
	role, secret := cmp.Or(v.role, "regpass-ci"), cmp.Or(v.secret, placeholder("path"))
	policy := fmt.Sprintf("path %s {\n  capabilities = [\"read\"]\n}\n", hcl(secret))
	body := map[string]any{"role_type": "jwt", "user_claim": "sub", "bound_audiences": []string{j.Audience},
		"bound_claims_type": "string", "bound_claims": claimMap(j.telling()), "token_policies": []string{role},
		"token_ttl": "15m", "token_max_ttl": "1h"}
	out := Trust{
		Where: "Vault or OpenBao at " + v.base.String(),
		Fields: []Field{{"auth method", "jwt, at the path " + v.mount}, {"oidc_discovery_url and bound_issuer", j.Issuer},
			{"role", role}, {"bound_audiences", j.Audience}, {"bound_claims", compactJSON(claimMap(j.telling()))},
			{"policy", "read on " + secret}},
		Documents: []Document{{"role " + role, body}},
		Workflow:  []Field{{"VAULT_ADDR", v.base.String()}, {"VAULT_AUTH_ROLE", role}},
		Notes: []string{"bound_claims are compared letter by letter with bound_claims_type=string.",
			"Leave out what enables the auth method if it is there; one mount has one issuer.",
			"With OpenBao, the program is called bao."},
	}
	out.Shell = fmt.Sprintf(`vault auth enable -path=%[1]s jwt
vault write %[2]s oidc_discovery_url=%[3]s bound_issuer=%[3]s
printf %%s %[4]s | vault policy write %[5]s -
printf %%s %[6]s | vault write %[7]s -
`, shell(v.mount), shell("auth/"+v.mount+"/config"), shell(j.Issuer), shell(policy), shell(role),
		shell(compactJSON(body)), shell("auth/"+v.mount+"/role/"+role))
	out.Terraform = fmt.Sprintf(`resource "vault_jwt_auth_backend" "ci" {
  path               = %s
  oidc_discovery_url = %s
  bound_issuer       = %[2]s
}

resource "vault_policy" "regpass" {
  name   = %[3]s
  policy = %s
}

resource "vault_jwt_auth_backend_role" "regpass" {
  backend         = vault_jwt_auth_backend.ci.path
  role_name       = %[3]s
  role_type       = "jwt"
  user_claim      = "sub"
  bound_audiences = [%[5]s]
  bound_claims    = jsondecode(%[6]s)
  token_policies  = [vault_policy.regpass.name]
  token_ttl       = 900
}
`, hcl(v.mount), hcl(j.Issuer), hcl(role), hcl(policy), hcl(j.Audience), hcl(compactJSON(claimMap(j.telling()))))
	return out, nil
}
