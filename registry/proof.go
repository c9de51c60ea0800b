package registry

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// Method is how a proof proves, in words for people.
type Method string

// The methods, in the order in which they are preferred.
const (
	ReadyToken Method = "ready token"   // a token of the registry, used as it is
	APIKey     Method = "API key"       // long-lived: traded where the registry can, else used as it is
	OIDC       Method = "CI identity"   // an OpenID Connect ID token of the job
	Refresh    Method = "refresh token" // single-use, from an earlier credential
	Browser    Method = "browser login"
)

// Proof is what a registry is shown.
type Proof struct {
	Method       Method
	From         string         // for people: "PYX_API_KEY", "--token-stdin", "GitHub Actions"
	Secret       regpass.Secret // ready token, key, password or refresh token
	Kind         regpass.Kind   // keys that are not traded: how they are presented; empty: the row's default
	Username     string         // for Basic; for S3 the access key id
	SessionToken regpass.Secret // for S3, or empty

	// Identity returns the job's identity for the audience, a new one per call where the CI can. For OIDC only.
	Identity func(ctx context.Context, audience string) (regpass.Identity, error)
}

// token is the proof's secret, checked to be one that a header can carry.
func (p Proof) token(row string) (regpass.Secret, error) {
	t, err := regpass.ParseToken(p.Secret.Reveal())
	if err != nil {
		return regpass.Secret{}, fmt.Errorf("%s: the %s from %s: %w", row, p.Method, p.From, err)
	}
	return t, nil
}

// ready is the proof's secret as a token that needs no exchange, and when it ends (zero: unknown).
func (p Proof) ready(env *regpass.Env, row string) (regpass.Secret, time.Time, error) {
	t, err := p.token(row)
	if err != nil {
		return regpass.Secret{}, time.Time{}, err
	}
	expires, err := lifetime(env, t)
	if err != nil {
		err = fmt.Errorf("%s: the %s from %s: %w", row, p.Method, p.From, err)
		return regpass.Secret{}, time.Time{}, regpass.Hintf(err, "put a new one there, or unset it to use another proof")
	}
	return t, expires, nil
}

// present shows mint a new identity per try: registries take an identity token once (PyPI and crates.io remember its
// jti), so a try whose answer was lost would spoil the next one.
func (p Proof) present(ctx context.Context, env *regpass.Env, row, audience string,
	mint func(context.Context, regpass.Identity) error) error {
	if p.Identity == nil {
		return regpass.NoIdentityf("%s: there is no CI identity to present", row)
	}
	var unproven error
	err := env.Retry(ctx, func(ctx context.Context) error {
		id, err := p.Identity(ctx, audience)
		if err != nil {
			unproven = err // the CI has its own retries
			return nil
		}
		if !slices.Contains(id.Claims.Audience, audience) {
			unproven = fmt.Errorf("%s: the identity from %s is for the audience %s, not %s", row, p.From,
				regpass.Quote(strings.Join(id.Claims.Audience, " ")), regpass.Quote(audience))
			return nil
		}
		return refused(mint(ctx, id), id)
	})
	if unproven != nil {
		return unproven
	}
	return err
}

// refused adds to a registry's no the claims that its trust policies match on.
func refused(err error, id regpass.Identity) error {
	switch s := status(err); {
	case s/100 != 4, s == http.StatusRequestTimeout, s == http.StatusTooEarly, s == http.StatusTooManyRequests:
		return err
	}
	shown := id.Claims.Show(id.PolicyClaims)
	if shown == "" {
		return regpass.Hintf(err, "check that the registry trusts this job")
	}
	return regpass.Hintf(err, "the registry compares these claims with whom it trusts: %s", shown)
}

// issued reads a token that a registry answered with, and when it ends (zero: unknown). Errors hold none of it.
func issued(env *regpass.Env, stage, raw string) (regpass.Secret, time.Time, error) {
	t, err := regpass.ParseToken(raw)
	if err != nil {
		return regpass.Secret{}, time.Time{}, fmt.Errorf("%s: the answer: %w", stage, err)
	}
	env.Mask(t)
	expires, err := lifetime(env, t)
	if err != nil {
		return regpass.Secret{}, time.Time{}, fmt.Errorf("%s: the answer: %w", stage, err)
	}
	return t, expires, nil
}

// lifetime reads when a token ends (zero: unknown). A token need not be a JSON Web Token, but one that begins like one
// must be whole, and must not be over.
func lifetime(env *regpass.Env, token regpass.Secret) (time.Time, error) {
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

// beginsLikeJWT reports whether a token has the first two or three parts of a JWS; {" in base64 is eyJ.
func beginsLikeJWT(token regpass.Secret) bool {
	t := token.Reveal()
	dots := strings.Count(t, ".")
	return strings.HasPrefix(t, "eyJ") && (dots == 1 || dots == 2)
}
