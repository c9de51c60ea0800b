package registry

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// Proof is shown to a registry to get a credential.
type Proof struct {
	Method       regpass.Method
	From         string         // for people: "PYX_API_KEY", "--token-stdin", "GitHub Actions"
	Secret       regpass.Secret // ready token, key, password or refresh token
	Kind         regpass.Kind   // how a key that is not exchanged is presented; empty: the row's default
	Username     string         // for Basic; for S3 the access key id
	SessionToken regpass.Secret // for S3, or empty
	Identities   Identities     // for OIDC only
	Audience     string         // of all identities of the CI system, where it has fixed one; empty: the registry's
}

// Identities gets the job's identities from its CI system.
type Identities interface {
	// Identity returns the job's identity for the audience, a new one per call if the CI system can make one.
	Identity(ctx context.Context, audience string) (regpass.Identity, error)
}

// Source is one place where a proof for one kind of registry may be.
type Source struct {
	Method regpass.Method
	Vars   []string // variables that hold it; the first one that is set is taken
	Parts  int      // number of the first Vars that make the proof together; 0: each of them is one
	Server string   // variable that says which server the proof is for; empty: Doc or the row's hosts do
	Doc    string   // for help, if Vars are not enough
	CI     string   // name of the CI system that sets Vars in its jobs; empty: a person has to set them
	Host   string   // the only host that the proof is for; empty: all of the row
	// Read finds a proof that is more than the value of one variable; ok is false if there is none. Nil: the
	// variable's value is the proof.
	Read func(env *regpass.Env, t Target) (p Proof, ok bool, err error)
}

// Find looks for the source's proof; ok is false if there is none.
func (s Source) Find(env *regpass.Env, t Target) (p Proof, ok bool, err error) {
	switch {
	case s.Host != "" && s.Host != t.Ref.Host:
		return Proof{}, false, nil
	case s.Read != nil:
		return s.Read(env, t)
	}
	name, value := env.Lookup(s.Vars...)
	if name == "" {
		return Proof{}, false, nil
	}
	return Proof{Method: s.Method, From: name, Secret: regpass.SecretLine(value)}, true, nil
}

// token is the result of an exchange.
type token struct {
	secret  regpass.Secret
	refresh regpass.Secret // the refresh token that came with it, or empty
	expires time.Time      // zero: unknown
}

// secret is the proof's secret, checked for bytes that a header cannot carry.
func (p Proof) secret(row string) (regpass.Secret, error) {
	t, err := regpass.ParseToken(p.Secret.Reveal())
	if err != nil {
		return regpass.Secret{}, fmt.Errorf("%s: the %s from %s: %w", row, p.Method, p.From, err)
	}
	return t, nil
}

// readyToken is the proof's secret as a token that needs no exchange.
func (p Proof) readyToken(env *regpass.Env, row string) (token, error) {
	secret, err := p.secret(row)
	if err != nil {
		return token{}, err
	}
	expires, err := expiry(env, secret)
	if err != nil {
		err = fmt.Errorf("%s: the %s from %s: %w", row, p.Method, p.From, err)
		return token{}, regpass.Hintf(err, "put a new one there, or unset it to use another proof")
	}
	return token{secret: secret, expires: expires}, nil
}

// withIdentity calls mint with a new identity in each try. Registries accept an identity token only once (PyPI and
// crates.io remember its jti): if the response to a try is lost, its identity cannot be used again.
func (p Proof) withIdentity(ctx context.Context, env *regpass.Env, row, audience string,
	mint func(context.Context, regpass.Identity) error) error {
	if p.Identities == nil {
		return regpass.NoIdentityf("%s: there is no CI identity to present", row)
	}
	audience = cmp.Or(p.Audience, audience)
	var identityErr error
	err := env.Retry(ctx, func(ctx context.Context) error {
		id, err := p.Identities.Identity(ctx, audience)
		if err != nil {
			identityErr = err // the CI has its own retries
			return nil
		}
		if !slices.Contains(id.Claims.Audience, audience) {
			identityErr = fmt.Errorf("%s: the identity from %s is for the audience %s, not %s", row, p.From,
				regpass.Quote(strings.Join(id.Claims.Audience, " ")), regpass.Quote(audience))
			return nil
		}
		return explainRefusal(mint(ctx, id), id)
	})
	if identityErr != nil {
		return identityErr
	}
	return err
}

// explainRefusal adds the claims that the registry's trust policies match to a refusal of the registry.
func explainRefusal(err error, id regpass.Identity) error {
	if !refusedByServer(err) {
		return err
	}
	shown := id.Claims.Show(id.PolicyClaims)
	if shown == "" {
		return regpass.Hintf(err, "check that the registry trusts this job")
	}
	return regpass.Hintf(err, "the registry matches these claims against its trust policies: %s", shown)
}

// newToken reads a token from a registry's response. Its errors show nothing of the token.
func newToken(env *regpass.Env, op, raw string) (token, error) {
	secret, err := regpass.ParseMinted(raw)
	if err != nil {
		return token{}, fmt.Errorf("%s: the answer: %w", op, err)
	}
	env.Mask(secret)
	expires, err := expiry(env, secret)
	if err != nil {
		return token{}, fmt.Errorf("%s: the answer: %w", op, err)
	}
	return token{secret: secret, expires: expires}, nil
}

// expiry is when a token ends (zero: unknown). A token need not be a JSON Web Token. If it begins like one, it must be
// complete and must not have expired.
func expiry(env *regpass.Env, token regpass.Secret) (time.Time, error) {
	claims, err := regpass.DecodeJWT(token)
	if err != nil && beginsLikeJWT(token) {
		return time.Time{}, regpass.Hintf(fmt.Errorf("the token was cut or changed: %w", err),
			"it begins like a JSON Web Token; copy all of it")
	}
	if err != nil || claims.Expires.IsZero() {
		return time.Time{}, nil
	}
	if now := env.Now(); !claims.Expires.After(now) {
		return time.Time{}, regpass.Hintf(fmt.Errorf("the token expired at %s", claims.Expires.UTC().Format(time.RFC3339)),
			"the clock here says %s", now.UTC().Format(time.RFC3339))
	}
	return claims.Expires, nil
}

// beginsLikeJWT reports whether a token looks like the first two or three parts of a JWS; eyJ is {" in base64.
func beginsLikeJWT(token regpass.Secret) bool {
	t := token.Reveal()
	dots := strings.Count(t, ".")
	return strings.HasPrefix(t, "eyJ") && (dots == 1 || dots == 2)
}
