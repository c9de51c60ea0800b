// Package registry answers "what may it have?": it trades a proof of who asks for the credential of one package
// registry. One file per registry, one row each in All.
package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// Row is one kind of registry.
type Row struct {
	Name  string   // value of the option type=
	Title string   // one line for help
	Doc   string   // where its own documentation of authentication is
	Hosts []string // the hosts that pick the row, for help

	Match     func(env *regpass.Env, ref regpass.Ref) bool // reports whether ref's host is known to be this registry
	TokenVars []string                                     // variables that may hold a ready token, first one first
	KeyVars   []string                                     // variables that may hold an API key, first one first
	ClientVar string                                       // variable in which its own client takes the credential, or empty
	Username  string                                       // what readers who only speak Basic send with the token, or empty
	Options   []string                                     // keys that a Ref may carry beyond CommonOptions
	OIDC      bool                                         // takes CI identities
	Trades    bool                                         // trades an API key for a token; false: the key is the token

	// Endpoint is the origin that proofs for ref are sent to.
	Endpoint func(env *regpass.Env, ref regpass.Ref) (*url.URL, error)
	// Scope names what a credential that the method gets for ref is good for at the endpoint: two refs of one scope can
	// share it. Nil: all of the endpoint.
	Scope func(env *regpass.Env, ref regpass.Ref, m Method) string
	// Audience is the audience that an identity for ref needs, or empty where the server is asked or takes none.
	Audience func(env *regpass.Env, ref regpass.Ref) string
	// Exchange trades the proof for a credential. It never returns a credential that is over by env.Now.
	Exchange func(ctx context.Context, env *regpass.Env, ref regpass.Ref, p Proof) (regpass.Credential, error)
	// Login has a person at the terminal log in with a browser; nil: there is no such way.
	Login func(ctx context.Context, env *regpass.Env, ref regpass.Ref) (regpass.Credential, error)
	// Revoke ends a credential that Exchange or Login minted, at the endpoint where it was. One that is over already is
	// no error. Nil: the registry cannot. A ready token or a key is the user's own: the caller does not revoke it.
	Revoke func(ctx context.Context, env *regpass.Env, endpoint *url.URL, cred regpass.Credential) error
}

// Static is the name of the row that takes any host.
const Static = "static"

// All is every kind of registry; the first that matches is taken. The last one matches every host.
var All = []Row{pyx, prefixDev, anacondaOrg, static}

// CommonOptions are the keys that any Ref may carry.
var CommonOptions = []string{"audience", "name", "type"}

// Find picks the row for ref: the one that its option type names, else the first that matches its host. A type or an
// option that is not known is ErrUsage, as are type and audience in a file of the checkout: they decide where a proof
// goes and what it is good for, which a pull request must not.
func Find(env *regpass.Env, ref regpass.Ref) (Row, error) {
	if !ref.Trusted {
		for _, key := range []string{"type", "audience"} {
			if _, ok := ref.Options[key]; ok {
				return Row{}, regpass.Hintf(regpass.Usagef("registry: %s: %s= is not taken from %s, a file of the checkout",
					regpass.Quote(ref.String()), key, ref.From), nameItYourself)
			}
		}
	}
	row, err := pick(env, ref)
	if err != nil {
		return Row{}, err
	}
	known := slices.Sorted(slices.Values(slices.Concat(CommonOptions, row.Options)))
	for _, key := range slices.Sorted(maps.Keys(ref.Options)) {
		if !slices.Contains(known, key) {
			return Row{}, regpass.Hintf(regpass.Usagef("registry: %s: %s has no option %s",
				regpass.Quote(ref.String()), row.Name, regpass.Quote(key)), "it knows %s", strings.Join(known, ", "))
		}
	}
	return row, nil
}

func pick(env *regpass.Env, ref regpass.Ref) (Row, error) {
	name, named := ref.Options["type"]
	var names []string
	for _, row := range All {
		if named && row.Name == name || !named && row.Match(env, ref) {
			return row, nil
		}
		names = append(names, row.Name)
	}
	return Row{}, regpass.Hintf(regpass.Usagef("registry: %s: there is no type %s", regpass.Quote(ref.String()), regpass.Quote(name)),
		"the types are %s", strings.Join(names, ", "))
}

const nameItYourself = "name it on the command line or in REGPASS_REGISTRIES to send it a credential"

// untrusted refuses to send a proof to a host that only a file of the checkout names.
func untrusted(ref regpass.Ref) error {
	return regpass.Hintf(fmt.Errorf("registry: %s: no credential is sent to a host that only %s names, a file of the checkout",
		regpass.Quote(ref.String()), ref.From), nameItYourself)
}

// origin is scheme, host and port of ref.
func origin(_ *regpass.Env, ref regpass.Ref) (*url.URL, error) {
	return &url.URL{Scheme: ref.URL.Scheme, Host: ref.URL.Host}, nil
}

// unsupported refuses a proof that the registry has no use for.
func unsupported(row string, ref regpass.Ref, p Proof) error {
	return regpass.NoIdentityf("%s: %s takes no %s", row, regpass.Quote(ref.String()), p.Method)
}

// status is the HTTP status that err reports, or 0.
func status(err error) int {
	var he *regpass.HTTPError
	if errors.As(err, &he) {
		return he.Status
	}
	return 0
}
