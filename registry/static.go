package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/regpass/regpass"
)

var static = Row{
	Name:    Static,
	Title:   "any server that takes a key, a password or a token you have",
	Doc:     "https://pixi.prefix.dev/latest/deployment/authentication/",
	Hosts:   []string{"every other host"},
	Match:   func(*regpass.Env, regpass.Ref) bool { return true },
	Any:     true,
	Options: keyOptions,
	Open:    openKey(regpass.Bearer),
}

// keyOptions are the options of rows whose key is the credential.
var keyOptions = []Option{
	{Name: "kind", Doc: "how the key is presented",
		Values: []string{string(regpass.Bearer), string(regpass.Basic), string(regpass.CondaToken), string(regpass.S3)}},
	{Name: "username", Doc: "user name, for Basic authentication"},
}

// openKey opens a registry whose key is the credential, of the usual kind unless a proof or an option says otherwise.
func openKey(usual regpass.Kind) func(*regpass.Env, regpass.Ref) (Target, error) {
	return func(*regpass.Env, regpass.Ref) (Target, error) { return Target{exchanger: keyRef{usual: usual}}, nil }
}

// keyRef is a registry whose key is the credential.
type keyRef struct {
	usual    regpass.Kind
	username string // that the registry takes with a token that has no user, or empty
}

// exchange makes a credential of a key as it is, without the network. Without a kind in p or the options it is for Basic
// where there is a user name, S3 for s3 buckets, otherwise of the usual kind.
func (k keyRef) exchange(_ context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	if p.Method != regpass.ReadyToken && p.Method != regpass.APIKey {
		return regpass.Credential{}, regpass.Hintf(t.unsupported(p), "give it a key: REGPASS_API_KEY, --token-stdin or --password-stdin")
	}
	cred := regpass.Credential{Username: cmp.Or(p.Username, t.option(env, "username"), k.username)}
	var err error
	if cred.Kind, err = k.kind(env, t, p, cred.Username); err != nil {
		return regpass.Credential{}, fmt.Errorf("%s: %w", t.Row.Name, err)
	}
	switch cred.Kind {
	case regpass.Basic:
		cred.Secret, err = basic(cred.Username, p.Secret)
	case regpass.CondaToken:
		cred.Secret, err = condaToken(p.Secret)
	case regpass.S3:
		err = s3Key(&cred, p)
	default:
		cred.Secret, cred.Expires, err = bearer(env, p.Secret)
	}
	if err != nil {
		return regpass.Credential{}, fmt.Errorf("%s: the %s from %s: %w", t.Row.Name, p.Method, p.From, err)
	}
	return cred, nil
}

// kind says how the key is presented: as p or the option kind say, otherwise as the rest of them implies.
func (k keyRef) kind(env *regpass.Env, t Target, p Proof, username string) (regpass.Kind, error) {
	bucket := t.Ref.URL.Scheme == "s3"
	kind := cmp.Or(p.Kind, regpass.Kind(t.option(env, "kind")))
	switch {
	case kind == "" && bucket:
		return regpass.S3, nil
	case kind == "" && username != "":
		return regpass.Basic, nil
	case kind == "":
		return k.usual, nil
	case bucket != (kind == regpass.S3):
		return "", regpass.Usagef("%s takes no key of kind %s", regpass.Quote(t.Ref.String()), regpass.Quote(string(kind)))
	}
	return kind, nil
}

func bearer(env *regpass.Env, key regpass.Secret) (regpass.Secret, time.Time, error) {
	token, err := regpass.ParseToken(key.Reveal())
	if err != nil {
		return regpass.Secret{}, time.Time{}, err
	}
	expires, err := lifetime(env, token)
	return token, expires, err
}

// basic checks a user name and password: RFC 7617, section 2 takes no colon in the first and no control characters.
func basic(username string, password regpass.Secret) (regpass.Secret, error) {
	switch {
	case username == "":
		return regpass.Secret{}, regpass.Hintf(errors.New("basic authentication needs a user name"),
			"add username=NAME to the registry or give --username")
	case strings.Contains(username, ":") || !graphic(username):
		return regpass.Secret{}, fmt.Errorf("the user name %s holds a colon or a control character", regpass.Quote(username))
	}
	return regpass.ParsePassword(password.Reveal())
}

// graphic reports whether all of text is letters, marks, numbers, punctuation, symbols and spaces.
func graphic(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) })
}

// pathToken is what stands in a URL's path without escaping (RFC 3986, section 2.3): the token becomes /t/TOKEN/.
var pathToken = regpass.Pattern(`^[A-Za-z0-9._~-]+$`)

func condaToken(key regpass.Secret) (regpass.Secret, error) {
	token, err := regpass.ParseToken(key.Reveal())
	if err != nil {
		return regpass.Secret{}, err
	}
	if t := token.Reveal(); !pathToken().MatchString(t) || t == "." || t == ".." {
		return regpass.Secret{}, errors.New("a conda token is part of a URL and holds only letters, digits and . _ ~ -")
	}
	return token, nil
}
