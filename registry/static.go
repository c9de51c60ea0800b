package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/regpass/regpass"
)

var static = Row{
	Name:    Static,
	Also:    []string{"fixed", "other", "generic"},
	Said:    "fixed-key",
	Title:   "any server that takes a key, a password or a token you have",
	Proven:  "uv, pip, curl and py-rattler",
	Doc:     "https://pixi.prefix.dev/latest/deployment/authentication/",
	Hosts:   []string{"every other host"},
	Example: "https://conda.example/acme",
	Match:   func(*regpass.Env, regpass.Ref) bool { return true },
	AnyHost: true,
	// Named by ordinary projects; regpass never talks to them.
	PublicHosts: []string{"pypi.org", "files.pythonhosted.org", "download.pytorch.org", "pypi.nvidia.com",
		"registry.yarnpkg.com", "npm.jsr.io", "proxy.golang.org", "index.crates.io"},
	Options: keyOptions,
	Open:    openKey(regpass.Bearer),
}

// keyOptions are the options of rows whose key is the credential.
var keyOptions = []Option{
	{Name: "kind", Doc: "how the key is presented",
		Values: []string{string(regpass.Bearer), string(regpass.Basic), string(regpass.CondaToken), string(regpass.S3)}},
	{Name: "username", Doc: "user name, for Basic authentication; empty: a password without one"},
}

// openKey opens a registry whose key is the credential, of the usual kind unless a proof or an option says otherwise.
func openKey(usual regpass.Kind) func(*regpass.Env, regpass.Ref) (Target, error) {
	return func(*regpass.Env, regpass.Ref) (Target, error) { return Target{exchanger: keyRef{usual: usual}}, nil }
}

// keyRef is a registry whose key is the credential.
type keyRef struct {
	usual    regpass.Kind
	username string // for tokens without a user, if the registry wants one; or empty
}

// exchange makes a credential of the key as it is, without a request. Without a kind in p or in the options the
// credential is Basic if there is a user name, S3 for an s3 bucket, and of the usual kind otherwise.
func (k keyRef) exchange(_ context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	if p.Method != regpass.ReadyToken && p.Method != regpass.APIKey {
		err := t.unsupported(p)
		return regpass.Credential{}, regpass.Hintf(err, "give it a key: REGPASS_API_KEY, --token-stdin or --password-stdin")
	}
	username, named := k.user(t, p)
	cred := regpass.Credential{Username: username}
	err := t.checkServeKey(p)
	if err != nil {
		return regpass.Credential{}, fmt.Errorf("%s: the %s from %s: %w", t.Row.Word(), p.Method, p.From, err)
	}
	if cred.Kind, err = k.kind(env, t, p, named); err != nil {
		return regpass.Credential{}, fmt.Errorf("%s: %w", t.Row.Word(), err)
	}
	switch cred.Kind {
	case regpass.Basic:
		cred.Secret, err = parseBasic(cred.Username, named, p.Secret)
	case regpass.CondaToken:
		cred.Secret, err = parseCondaToken(p.Secret)
	case regpass.S3:
		err = s3Key(&cred, p)
	default:
		var got token
		got, err = parseBearer(env, p.Secret)
		cred.Secret, cred.Expires = got.secret, got.expires
	}
	if err != nil {
		return regpass.Credential{}, fmt.Errorf("%s: the %s from %s: %w", t.Row.Word(), p.Method, p.From, err)
	}
	return cred, nil
}

// user is the user name that goes with the key, if one is named. It may be empty on purpose: with an empty option, or
// in a proof for Basic. One in the URL of a file of the checkout is not taken.
func (k keyRef) user(t Target, p Proof) (name string, named bool) {
	option, given := t.Ref.Options["username"]
	switch {
	case p.Username != "" || p.Kind == regpass.Basic:
		return p.Username, true
	case given:
		return option, true
	case t.Ref.User != "" && t.Ref.Trusted:
		return t.Ref.User, true
	}
	return k.username, k.username != ""
}

// kind is how the key is presented: the kind of p or of the option, otherwise the one that the rest implies. named: a
// user name goes with it.
func (k keyRef) kind(env *regpass.Env, t Target, p Proof, named bool) (regpass.Kind, error) {
	bucket := t.Ref.URL.Scheme == "s3"
	kind := cmp.Or(p.Kind, regpass.Kind(t.option(env, "kind")))
	switch {
	case bucket && p.Kind == regpass.Basic && p.Username != "": // --username has the access key id
		return regpass.S3, nil
	case kind == "" && bucket:
		return regpass.S3, nil
	case kind == "" && named:
		return regpass.Basic, nil
	case kind == "":
		return k.usual, nil
	case bucket != (kind == regpass.S3):
		return "", regpass.Usagef("%s takes no key of kind %s", regpass.Quote(t.Ref.String()), regpass.Quote(string(kind)))
	}
	return kind, nil
}

func parseBearer(env *regpass.Env, key regpass.Secret) (token, error) {
	secret, err := regpass.ParseToken(key.Reveal())
	if err != nil {
		return token{}, err
	}
	expires, err := expiry(env, secret)
	return token{secret: secret, expires: expires}, err
}

// parseBasic checks a user name and a password. RFC 7617, section 2, allows no colon in the user name, and no control
// characters. An empty one must have been named.
func parseBasic(username string, named bool, password regpass.Secret) (regpass.Secret, error) {
	switch {
	case !named:
		return regpass.Secret{}, regpass.Hintf(errors.New("basic authentication needs a user name"),
			"add username=NAME to the registry, or username= for a password without one")
	case strings.Contains(username, ":") || !graphic(username):
		return regpass.Secret{}, fmt.Errorf("the user name %s holds a colon or a control character", regpass.Quote(username))
	}
	return regpass.ParsePassword(password.Reveal())
}

// graphic reports whether text holds only letters, marks, numbers, punctuation, symbols and spaces.
func graphic(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) })
}

// pathToken matches text that needs no escaping in a URL's path (RFC 3986, section 2.3): the token becomes /t/TOKEN/.
var pathToken = regpass.Pattern(`^[A-Za-z0-9._~-]+$`)

func parseCondaToken(key regpass.Secret) (regpass.Secret, error) {
	token, err := regpass.ParseToken(key.Reveal())
	if err != nil {
		return regpass.Secret{}, err
	}
	if t := token.Reveal(); !pathToken().MatchString(t) || t == "." || t == ".." {
		return regpass.Secret{}, errors.New("a conda token is part of a URL and holds only letters, digits and . _ ~ -")
	}
	return token, nil
}
