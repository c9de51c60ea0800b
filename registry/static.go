package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/regpass/regpass"
)

var static = Row{
	Name:     Static,
	Title:    "any server that takes a key, a password or a token you have; s3 buckets",
	Doc:      "https://pixi.prefix.dev/latest/deployment/authentication/",
	Hosts:    []string{"every other host", "s3://BUCKET"},
	Match:    func(*regpass.Env, regpass.Ref) bool { return true },
	Options:  []string{"kind", "username"},
	Endpoint: origin,
	Audience: noAudience,
	Exchange: func(_ context.Context, env *regpass.Env, ref regpass.Ref, p Proof) (regpass.Credential, error) {
		return keyCredential(env, ref, p, "static", regpass.Bearer)
	},
}

func noAudience(*regpass.Env, regpass.Ref) string { return "" }

// keyCredential makes a credential of a key as it is, without the network. Without a kind in p or ref it is for Basic where
// there is a user name, S3 for s3 buckets, else of kind usual. No row that uses it knows by itself which hosts may see
// the key, so the checkout can't choose one.
func keyCredential(env *regpass.Env, ref regpass.Ref, p Proof, row string, usual regpass.Kind) (regpass.Credential, error) {
	if !ref.Trusted {
		return regpass.Credential{}, untrusted(ref)
	}
	if p.Method != ReadyToken && p.Method != APIKey {
		return regpass.Credential{}, regpass.Hintf(unsupported(row, ref, p),
			"give it a key: REGPASS_API_KEY, --token-stdin or --password-stdin")
	}
	cred := regpass.Credential{Registry: row, Host: ref.Host, Username: p.Username}
	if cred.Username == "" {
		cred.Username = ref.Options["username"]
	}
	var err error
	if cred.Kind, err = kindOf(ref, p, cred.Username, usual); err != nil {
		return regpass.Credential{}, fmt.Errorf("%s: %w", row, err)
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
		return regpass.Credential{}, fmt.Errorf("%s: the %s from %s: %w", row, p.Method, p.From, err)
	}
	return cred, nil
}

// kindOf says how the key is presented: as p or ref say, else as the rest of them implies.
func kindOf(ref regpass.Ref, p Proof, username string, usual regpass.Kind) (regpass.Kind, error) {
	bucket := ref.URL.Scheme == "s3"
	kind := p.Kind
	if kind == "" {
		kind = regpass.Kind(ref.Options["kind"])
	}
	switch {
	case kind == "" && bucket:
		return regpass.S3, nil
	case kind == "" && username != "":
		return regpass.Basic, nil
	case kind == "":
		return usual, nil
	case bucket != (kind == regpass.S3):
		return "", regpass.Usagef("%s takes no key of kind %s", regpass.Quote(ref.String()), regpass.Quote(string(kind)))
	case kind == regpass.Bearer, kind == regpass.Basic, kind == regpass.CondaToken, kind == regpass.S3:
		return kind, nil
	}
	return "", regpass.Hintf(regpass.Usagef("there is no kind %s", regpass.Quote(string(kind))),
		"the kinds are %s, %s and %s; %s for buckets", regpass.Bearer, regpass.Basic, regpass.CondaToken, regpass.S3)
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

// s3Key checks the three parts of an AWS credential, of which the session token may be missing.
func s3Key(cred *regpass.Credential, p Proof) error {
	id, err := regpass.ParseToken(cred.Username)
	if err != nil {
		return regpass.Hintf(fmt.Errorf("the access key id: %w", err), "set AWS_ACCESS_KEY_ID too")
	}
	cred.Username = id.Reveal() // not secret: every signed URL shows it
	if !p.SessionToken.Empty() {
		if cred.SessionToken, err = regpass.ParseToken(p.SessionToken.Reveal()); err != nil {
			return fmt.Errorf("the session token: %w", err)
		}
	}
	cred.Secret, err = regpass.ParseToken(p.Secret.Reveal())
	return err
}
