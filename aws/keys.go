package aws

import (
	"context"
	"fmt"

	"github.com/regpass/regpass"
)

// Keys sign requests.
type Keys struct {
	ID              string // not secret: every signed request shows it
	Secret, Session regpass.Secret
}

// Secrets are what an error must not repeat.
func (k Keys) Secrets() []regpass.Secret { return []regpass.Secret{k.Secret, k.Session} }

// Vars are the variables that the SDKs read keys from; the last one may be missing
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html).
var Vars = []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}

// NewKeys checks keys that AWS made for us, and has them masked.
func NewKeys(env *regpass.Env, op, id, secret, session string) (k Keys, err error) {
	parsed, err := regpass.ParseToken(id)
	if err == nil {
		k.Secret, err = regpass.ParseMinted(secret)
	}
	if err == nil {
		k.Session, err = regpass.ParseMinted(session)
	}
	if err != nil {
		return Keys{}, fmt.Errorf("%s: the answer: %w", op, err)
	}
	k.ID = parsed.Reveal()
	env.Mask(k.Secrets()...)
	return k, nil
}

// Here says where this machine has keys, for people, without a request; empty: it has none.
func Here(env *regpass.Env) string {
	if env.Getenv(Vars[0]) != "" && env.Getenv(Vars[1]) != "" {
		return Vars[0]
	}
	return Machine(env)
}

// KeysHere are the keys in the variables, otherwise those of the machine's role.
func KeysHere(ctx context.Context, env *regpass.Env) (k Keys, err error) {
	id, secret, session := env.Getenv(Vars[0]), env.Getenv(Vars[1]), env.Getenv(Vars[2])
	if id == "" || secret == "" {
		return MachineKeys(ctx, env)
	}
	parsed, err := regpass.ParseToken(id)
	if err != nil {
		return Keys{}, fmt.Errorf("%s: %w", Vars[0], err)
	}
	k.ID = parsed.Reveal()
	if k.Secret, err = regpass.ParseToken(secret); err != nil {
		return Keys{}, fmt.Errorf("%s: %w", Vars[1], err)
	}
	if session != "" {
		if k.Session, err = regpass.ParseToken(session); err != nil {
			return Keys{}, fmt.Errorf("%s: %w", Vars[2], err)
		}
	}
	env.Mask(k.Secrets()...)
	return k, nil
}
