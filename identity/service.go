package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/regpass/regpass"
)

// tokenService reads the variables that name a CI system's token service and the secret that lets this job in. The
// secret goes where the URL says, so that must be https, or on this machine. The secret is masked.
func tokenService(env *regpass.Env, urlVar, secretVar string) (*url.URL, regpass.Secret, error) {
	secret, err := regpass.ParseToken(env.Getenv(secretVar))
	if err != nil {
		return nil, regpass.Secret{}, regpass.NoIdentityf("%s: %w", secretVar, err)
	}
	env.Mask(secret)
	u, err := url.Parse(env.Getenv(urlVar))
	if err != nil {
		return nil, regpass.Secret{}, regpass.NoIdentityf("%s is not a URL", urlVar)
	}
	if err := regpass.CheckEndpoint(u); err != nil {
		return nil, regpass.Secret{}, regpass.NoIdentityf("%s: %w", urlVar, err)
	}
	return u, secret, nil
}

// askForToken sends the request to a token service, whose answer is a JSON object with the token in field. Each try
// asks for a new token, so a lost answer does no harm.
func askForToken(ctx context.Context, env *regpass.Env, field string, r regpass.Request) (regpass.Secret, error) {
	r.Op = "ask for an ID token"
	var answer map[string]json.RawMessage
	var token string
	err := env.Retry(ctx, func(ctx context.Context) error {
		answer, token = nil, ""
		if err := env.DoJSON(ctx, r, &answer); err != nil {
			return err
		}
		if raw, ok := answer[field]; ok && json.Unmarshal(raw, &token) != nil {
			return fmt.Errorf("%s: the answer is not the expected JSON: %s is no text", r, field)
		}
		return nil
	})
	if err != nil {
		return regpass.Secret{}, err
	}
	if token == "" {
		return regpass.Secret{}, regpass.NoIdentityf("%s: the answer of %s has none", r.Op, r.URL.Host)
	}
	return regpass.NewSecret(token), nil
}
