package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
)

// token gets a token with the file's credentials, which check has passed.
func (f googleFile) token(ctx context.Context, env *regpass.Env) (token, error) {
	switch f.Type {
	case "service_account":
		return f.signIn(ctx, env)
	case "authorized_user":
		return f.renew(ctx, env)
	case "external_account_authorized_user":
		return f.renewElsewhere(ctx, env)
	case "impersonated_service_account":
		return f.impersonate(ctx, env)
	}
	return f.federate(ctx, env)
}

// googleEndpoint is the URL in the file, or the usual one.
func googleEndpoint(env *regpass.Env, text, service, path string) (*url.URL, error) {
	if text != "" {
		return url.Parse(text)
	}
	return googleAPI(env, service, path)
}

// signIn signs in as a service account, with its key.
//
//	POST https://oauth2.googleapis.com/token   grant_type=…:jwt-bearer&assertion=…
//
// https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests (RFC 7523)
func (f googleFile) signIn(ctx context.Context, env *regpass.Env) (token, error) {
	const op = "google: sign in with the service account's key"
	at, err := googleEndpoint(env, f.TokenURI, "oauth2", "/token")
	if err != nil {
		return token{}, err
	}
	key, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(f.Key.Reveal()))
	if err != nil {
		return token{}, fmt.Errorf("%s: private_key is no RSA key in PEM", op)
	}
	issued := env.Now().Add(-10 * time.Second) // for a clock that is ahead of Google's
	assertion := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iss": f.Email, "scope": googleScope,
		"aud": at.String(), "iat": issued.Unix(), "exp": issued.Add(time.Hour).Unix()})
	if f.KeyID != "" {
		assertion.Header["kid"] = f.KeyID
	}
	signed, err := assertion.SignedString(key)
	if err != nil {
		return token{}, fmt.Errorf("%s: %w", op, err)
	}
	return googleGrant(ctx, env, regpass.Request{Op: op, Method: http.MethodPost, URL: at, Scrub: f.secrets(),
		Form: map[string]any{"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
			"assertion": regpass.NewSecret(signed)}})
}

// renew gets a token for a person who has logged in with gcloud (RFC 6749, section 6).
func (f googleFile) renew(ctx context.Context, env *regpass.Env) (token, error) {
	at, err := googleEndpoint(env, f.TokenURI, "oauth2", "/token")
	if err != nil {
		return token{}, err
	}
	got, err := googleGrant(ctx, env, regpass.Request{Op: "google: renew gcloud's login", Method: http.MethodPost, URL: at,
		Form: map[string]any{"grant_type": "refresh_token", "refresh_token": f.RefreshToken.Secret,
			"client_id": f.ClientID, "client_secret": f.ClientSecret.Secret}})
	return got, loginAgain(err)
}

// renewElsewhere is renew for a person of another identity provider.
func (f googleFile) renewElsewhere(ctx context.Context, env *regpass.Env) (token, error) {
	at, err := googleEndpoint(env, f.TokenURL, "sts", "/v1/oauthtoken")
	if err != nil {
		return token{}, err
	}
	got, err := googleGrant(ctx, env, regpass.Request{Op: "google: renew gcloud's login", Method: http.MethodPost, URL: at,
		Basic: regpass.Login{Username: f.ClientID, Password: f.ClientSecret.Secret},
		Form:  map[string]any{"grant_type": "refresh_token", "refresh_token": f.RefreshToken.Secret}})
	return got, loginAgain(err)
}

func loginAgain(err error) error {
	if refusedByServer(err) {
		return regpass.Hintf(err, "log in again: `gcloud auth application-default login`")
	}
	return err
}

// federate exchanges an identity of elsewhere, and impersonates the service account that the file names.
func (f googleFile) federate(ctx context.Context, env *regpass.Env) (token, error) {
	const op = "google: exchange the file's identity"
	at, err := googleEndpoint(env, f.TokenURL, "sts", "/v1/token")
	if err != nil {
		return token{}, err
	}
	var got googleAnswer
	err = env.Retry(ctx, func(ctx context.Context) error {
		subject, err := f.Subject.read(ctx, env)
		if err != nil {
			return err
		}
		r := regpass.Request{Op: op, Method: http.MethodPost, URL: at, Scrub: f.secrets(),
			Form: googleExchangeForm(f.Audience, f.SubjectType, subject)}
		switch {
		case f.ClientID != "":
			r.Basic = regpass.Login{Username: f.ClientID, Password: f.ClientSecret.Secret}
		case f.UserProject != "": // of a pool for people
			r.Form["options"] = compactJSON(map[string]string{"userProject": f.UserProject})
		}
		return env.DoJSON(ctx, r, &got)
	})
	if err != nil {
		return token{}, err
	}
	minted, err := got.token(env, op)
	if err != nil || f.ActAs == "" {
		return minted, err
	}
	return f.actAs(ctx, env, minted)
}

// impersonate gets a token with the credentials inside, and with it the service account's.
func (f googleFile) impersonate(ctx context.Context, env *regpass.Env) (token, error) {
	by, err := f.Source.token(ctx, env)
	if err != nil {
		return token{}, err
	}
	return f.actAs(ctx, env, by)
}

func (f googleFile) actAs(ctx context.Context, env *regpass.Env, by token) (token, error) {
	at, err := url.Parse(f.ActAs)
	if err != nil {
		return token{}, err
	}
	return googleActAs(ctx, env, by, at, f.ActAsFor.Seconds, f.Delegates)
}

// read gets the identity of elsewhere. A server that has it is sent the headers in the file, and nothing else.
func (s googleSubject) read(ctx context.Context, env *regpass.Env) (regpass.Secret, error) {
	const op = "google: get the file's identity"
	var content []byte
	var err error
	if s.File != "" {
		content, err = regpass.ReadSecretFile("credential_source.file", env.Abs(s.File), regpass.MaxToken)
	} else {
		var at *url.URL
		if at, err = url.Parse(s.URL); err != nil {
			return regpass.Secret{}, regpass.Usagef("%s: credential_source.url is no URL", op)
		}
		r := regpass.Request{Op: op, Method: http.MethodGet, URL: at, LinkLocal: true}
		r.Header, r.Keys = s.headers()
		ask := env.Do
		if at.Scheme == "http" { // on this machine or beside it, so by no proxy
			ask = func(ctx context.Context, r regpass.Request) ([]byte, error) { return env.AskMetadata(ctx, r) }
		}
		content, err = ask(ctx, r)
	}
	if err != nil {
		return regpass.Secret{}, err // names the operation or the setting
	}
	text := string(content)
	if s.Format.Type == "json" {
		var fields map[string]any
		_ = json.Unmarshal(content, &fields)
		var ok bool
		if text, ok = fields[s.Format.Field].(string); !ok {
			return regpass.Secret{}, fmt.Errorf("%s: there is no text in the field %s of JSON", op,
				regpass.Quote(s.Format.Field))
		}
	}
	subject, err := regpass.ParseToken(text)
	if err != nil {
		return regpass.Secret{}, fmt.Errorf("%s: %w", op, err)
	}
	env.Mask(subject)
	return subject, nil
}
