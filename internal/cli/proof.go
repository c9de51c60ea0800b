package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

// maxStdin is how much of standard input is read for a token, in bytes: more than any token may have.
const maxStdin = 1 << 20

// proof chooses what to show to a registry, in this order: what a flag names; the registry's ready token; its API
// key, else the general one; the CI's identity. ok is false where there is none of them.
func (a *app) proof(s *session.Session, row registry.Row, ref regpass.Ref, p *proofFlags) (proof registry.Proof, ok bool, err error) {
	if proof, ok, err = a.fromFlags(p); err != nil {
		return proof, false, err
	}
	if ok && !ref.Trusted { // whoever wrote the checkout must not choose where a secret goes that names no registry
		return registry.Proof{}, false, regpass.Hintf(regpass.Usagef("%s is for a registry that you name, and %s is named by %s, a file of the checkout",
			proof.From, regpass.Quote(ref.String()), ref.From), "name the registry on the command line, if the secret is for it")
	}
	if ok {
		return proof, true, nil
	}
	if name, value := a.env.Lookup(row.TokenVars...); name != "" {
		return a.key(registry.ReadyToken, name, value, p)
	}
	if name, value := a.env.Lookup(row.KeyVars...); name != "" {
		return a.key(registry.APIKey, name, value, p)
	}
	if ref.URL.Scheme == "s3" {
		return a.aws()
	}
	if ref.Trusted { // as above
		name, value, err := a.generalKey()
		if err != nil {
			return proof, false, err
		}
		if name != "" {
			return a.key(registry.APIKey, name, value, p)
		}
	}
	if !row.OIDC {
		return proof, false, nil
	}
	return a.fromCI(s, row, ref, p)
}

func (a *app) fromFlags(p *proofFlags) (registry.Proof, bool, error) {
	flag, kind := "", regpass.Kind("")
	switch {
	case !p.input.Empty():
		a.env.Mask(p.input)
		return registry.Proof{Method: registry.APIKey, From: "the input api-key", Secret: p.input}, true, nil
	case p.tokenStdin:
		flag = "--token-stdin"
	case p.condaStdin:
		flag, kind = "--conda-token-stdin", regpass.CondaToken
	case p.passwordStdin && p.username == "":
		return registry.Proof{}, false, regpass.Hintf(regpass.Usagef("--password-stdin needs --username"), "for a token without a user name there is --token-stdin")
	case p.passwordStdin:
		flag, kind = "--password-stdin", regpass.Basic
	default:
		return registry.Proof{}, false, nil
	}
	if p.stdin == nil {
		raw, err := io.ReadAll(io.LimitReader(a.env.Stdin, maxStdin))
		if err != nil {
			return registry.Proof{}, false, fmt.Errorf("%s: %w", flag, err)
		}
		secret := withoutLineEnd(string(raw))
		p.stdin = &secret
	}
	a.env.Mask(*p.stdin)
	return registry.Proof{Method: registry.APIKey, From: flag, Secret: *p.stdin, Kind: kind, Username: p.username}, true, nil
}

// key makes a proof of what a variable or file holds. The registry's row checks that it is one.
func (a *app) key(method registry.Method, from, value string, p *proofFlags) (registry.Proof, bool, error) {
	kind := regpass.Kind("")
	if p.username != "" {
		kind = regpass.Basic
	}
	secret := withoutLineEnd(value)
	a.env.Mask(secret)
	return registry.Proof{Method: method, From: from, Secret: secret, Kind: kind, Username: p.username}, true, nil
}

// withoutLineEnd drops what a file or an echo adds to a secret.
func withoutLineEnd(value string) regpass.Secret {
	return regpass.NewSecret(strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r"))
}

// generalKey is the key for registries that have no variable of their own.
func (a *app) generalKey() (name, value string, err error) {
	if name, value = a.env.Lookup(settingPrefix + "API_KEY"); name != "" {
		return name, value, nil
	}
	name, path := a.env.Lookup(settingPrefix + "API_KEY_FILE")
	if name == "" {
		return "", "", nil
	}
	raw, err := regpass.ReadFile(path, maxStdin)
	if err != nil {
		return "", "", fmt.Errorf("%s: %s: %w", name, path, err)
	}
	return name, string(raw), nil
}

// aws reads what the AWS SDKs read (https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html).
func (a *app) aws() (registry.Proof, bool, error) {
	id, key, session := a.env.Getenv("AWS_ACCESS_KEY_ID"), a.env.Getenv("AWS_SECRET_ACCESS_KEY"), a.env.Getenv("AWS_SESSION_TOKEN")
	if id == "" || key == "" {
		return registry.Proof{}, false, nil
	}
	p := registry.Proof{Method: registry.APIKey, From: "AWS_ACCESS_KEY_ID", Secret: regpass.NewSecret(key), Kind: regpass.S3,
		Username: id, SessionToken: regpass.NewSecret(session)}
	a.env.Mask(p.Secret, p.SessionToken)
	return p, true, nil
}

// fromCI makes a proof of the job's identity, which is asked for only when the registry needs it.
func (a *app) fromCI(s *session.Session, row registry.Row, ref regpass.Ref, p *proofFlags) (registry.Proof, bool, error) {
	audience := row.Audience(a.env, ref)
	provider, ok := identity.Provider{}, false
	if p.provider != "" {
		var err error
		if provider, err = identity.Find(p.provider); err != nil {
			return registry.Proof{}, false, err
		}
	} else if provider, ok = identity.Detect(a.env, audience); !ok {
		return registry.Proof{}, false, nil
	}
	return registry.Proof{Method: registry.OIDC, From: provider.Title,
		Identity: func(ctx context.Context, audience string) (regpass.Identity, error) {
			id, err := provider.Get(ctx, a.env, audience)
			if err == nil {
				err = a.showOnce(s, row, ref, id, p)
			}
			return id, err
		}}, true, nil
}

// showOnce keeps one identity token from being shown to two endpoints, in this run or in an earlier step: either could
// use it at the other.
func (a *app) showOnce(s *session.Session, row registry.Row, ref regpass.Ref, id regpass.Identity, p *proofFlags) error {
	endpoint, _, err := a.serves(row, ref, registry.OIDC)
	if err != nil {
		return err
	}
	token := id.Token.Fingerprint()
	before := p.shown[token]
	if s != nil {
		all, err := s.Logins()
		if err != nil {
			return err
		}
		for _, l := range all {
			if l.Shown == token {
				before = l.Endpoint
			}
		}
	}
	if before != "" && before != endpoint {
		return regpass.Hintf(regpass.NoIdentityf("the identity from %s was shown to %s and is not shown to %s too", id.Provider, before, endpoint),
			"give each registry an identity token of its own, for an audience of its own")
	}
	if p.shown == nil {
		p.shown = map[string]string{}
	}
	p.shown[token], p.lastShown = endpoint, token
	return nil
}

// stored looks for a credential of an earlier login or exchange that serves ref.
func (a *app) stored(s *session.Session, row registry.Row, ref regpass.Ref) (session.Login, bool, error) {
	if s == nil {
		return session.Login{}, false, nil
	}
	all, err := s.Logins()
	if err != nil {
		return session.Login{}, false, err
	}
	for _, l := range all {
		endpoint, scope, err := a.serves(row, ref, registry.Method(l.Method))
		if err != nil {
			return session.Login{}, false, err
		}
		if l.Cred.Registry == row.Name && l.Endpoint == endpoint && l.Scope == scope {
			return l, true, nil
		}
	}
	return session.Login{}, false, nil
}

// serves names where a credential for ref comes from and what it is good for there.
func (a *app) serves(row registry.Row, ref regpass.Ref, m registry.Method) (endpoint, scope string, err error) {
	u, err := row.Endpoint(a.env, ref)
	if err != nil {
		return "", "", err
	}
	if row.Scope != nil {
		scope = row.Scope(a.env, ref, m)
	}
	return u.String(), scope, nil
}

// session opens the session that is there, or none.
func (a *app) session() (*session.Session, error) {
	dir, err := session.Where(a.env)
	if err != nil {
		return nil, err
	}
	return a.existing(dir)
}

// existing opens the session in a folder, or none.
func (a *app) existing(dir string) (*session.Session, error) {
	s, err := session.Existing(a.env, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return s, err
}

// newSession opens the session, and makes it where there is none.
func (a *app) newSession() (*session.Session, error) {
	dir, err := session.Where(a.env)
	if err != nil {
		return nil, err
	}
	return session.Open(a.env, dir)
}
