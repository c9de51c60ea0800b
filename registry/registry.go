// Package registry answers "what may it have?": it exchanges a proof of who asks for the credential of one package
// registry. One file per registry, one row each in All.
package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// Row is one kind of registry.
type Row struct {
	Name  string   // value of the option type=
	Title string   // one line for help
	Doc   string   // URL of its own documentation of authentication
	Hosts []string // the hosts that pick the row, for help

	// Match reports whether ref's host is known to be this registry. Only Any matches hosts that anybody may run.
	Match func(env *regpass.Env, ref regpass.Ref) bool
	Any   bool // Match says nothing about who runs the host, so only refs that the user names get a credential
	// Public are the channels and indexes, by the first segment of their path, that everyone may read.
	Public []string

	Proofs    []Source // where a proof for this registry alone may be, best first
	ClientVar string   // variable in which its own client takes the credential, or empty
	Options   []Option // what a Ref may say besides CommonOptions
	OIDC      bool     // takes CI identities
	Exchanges bool     // exchanges an API key for a token; false: the key is the token
	Browser   bool     // has a login page for a person with a browser

	// Open works out once all that is known of ref before anything is sent. It looks at env's variables only.
	Open func(env *regpass.Env, ref regpass.Ref) (Target, error)
	// Revoke ends a credential that was minted, at the origin that Target.Revoker named. A credential that has ended
	// already is no error. Nil: the registry cannot. A ready token or a key is the user's own: nobody revokes it.
	Revoke func(ctx context.Context, env *regpass.Env, at *url.URL, cred regpass.Credential) error
}

// Option is a key=value that may follow a registry's URL.
type Option struct {
	Name, Doc    string
	Vars         []string // variables that users have set for it already; the option goes before them
	Values       []string // the values it may have; nil: any text
	FromCheckout bool     // a file of the checkout may say it
}

// Static is the name of the row that takes any host.
const Static = "static"

// All is every kind of registry; the first that matches is taken. The last one matches every host.
var All = []Row{pyx, prefixDev, anacondaOrg, gitlab, s3, static}

// CommonOptions are the options of every row.
var CommonOptions = []Option{
	{Name: "audience", Doc: "audience of the identity that is shown"},
	{Name: "name", Doc: "name of the index, for variables of clients", FromCheckout: true},
	{Name: "type", Doc: "kind of registry, where the host does not say it"},
}

// Find picks the row for ref: the one that its option type names, otherwise the first that matches its host. A type
// or an option that is not known is ErrUsage, as is one that decides where a proof goes, or as whom, in a file of the
// checkout: a pull request must not.
func Find(env *regpass.Env, ref regpass.Ref) (Row, error) {
	row, err := pick(env, ref)
	if err != nil {
		return Row{}, err
	}
	for _, key := range slices.Sorted(maps.Keys(ref.Options)) {
		option, known := row.option(key)
		value := ref.Options[key]
		switch {
		case !known:
			return Row{}, regpass.Hintf(regpass.Usagef("registry: %s: %s has no option %s",
				regpass.Quote(ref.String()), row.Name, regpass.Quote(key)), "it knows %s", strings.Join(row.optionNames(), ", "))
		case !ref.Trusted && !option.FromCheckout:
			return Row{}, regpass.Hintf(regpass.Usagef("registry: %s: %s= is not taken from %s, a file of the checkout",
				regpass.Quote(ref.String()), key, ref.Origin), nameItYourself)
		case option.Values != nil && !slices.Contains(option.Values, value):
			return Row{}, regpass.Usagef("registry: %s: unknown %s %s (known: %s)",
				regpass.Quote(ref.String()), key, regpass.Quote(value), strings.Join(option.Values, ", "))
		}
	}
	return row, nil
}

func pick(env *regpass.Env, ref regpass.Ref) (Row, error) {
	name, named := ref.Options["type"]
	if named && !ref.Trusted {
		return Row{}, regpass.Hintf(regpass.Usagef("registry: %s: type= is not taken from %s, a file of the checkout",
			regpass.Quote(ref.String()), ref.Origin), nameItYourself)
	}
	if named {
		row, err := regpass.Pick("type", name, All, func(r Row) string { return r.Name })
		if err != nil {
			return Row{}, fmt.Errorf("registry: %s: %w", regpass.Quote(ref.String()), err)
		}
		return row, nil
	}
	i := slices.IndexFunc(All, func(r Row) bool { return r.Match(env, ref) }) // the last one matches
	return All[i], nil
}

func (r Row) allOptions() []Option { return slices.Concat(CommonOptions, r.Options) }

func (r Row) option(name string) (Option, bool) {
	all := r.allOptions()
	i := slices.IndexFunc(all, func(o Option) bool { return o.Name == name })
	if i < 0 {
		return Option{}, false
	}
	return all[i], true
}

func (r Row) optionNames() []string {
	var names []string
	for _, o := range r.allOptions() {
		names = append(names, o.Name)
	}
	return slices.Sorted(slices.Values(names))
}

// value is what ref, or a variable that users set for it already, says of an option; empty: nothing.
func (o Option) value(env *regpass.Env, ref regpass.Ref) string {
	if v, said := ref.Options[o.Name]; said {
		return v
	}
	_, v := env.Lookup(o.Vars...)
	return v
}

// Trusts reports whether ref may be sent a credential: whoever runs the program named it, or its host is known to be
// this registry whoever names it. It is the only such decision.
func (r Row) Trusts(env *regpass.Env, ref regpass.Ref) bool {
	return ref.Trusted || !r.Any && r.Match(env, ref)
}

// IsPublic reports whether everyone may read ref, so that it needs no credential.
func (r Row) IsPublic(ref regpass.Ref) bool { return slices.Contains(r.Public, segments(ref.URL)[0]) }

const nameItYourself = "name it on the command line or in REGPASS_REGISTRIES to send it a credential"

// untrusted refuses to send a proof to a host that only a file of the checkout names.
func untrusted(ref regpass.Ref) error {
	return regpass.Hintf(fmt.Errorf("registry: %s: no credential is sent to a host that only %s names, a file of the checkout",
		regpass.Quote(ref.String()), ref.Origin), nameItYourself)
}

// origin is scheme, host and port of ref.
func origin(ref regpass.Ref) *url.URL { return &url.URL{Scheme: ref.URL.Scheme, Host: ref.URL.Host} }

// inDomain reports whether host is domain or below it: badastralhosted.com is not in astralhosted.com.
func inDomain(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// segments splits a path as it is written, so that an escaped slash does not make two segments of one.
func segments(u *url.URL) []string { return strings.Split(strings.Trim(u.EscapedPath(), "/"), "/") }

// status is the HTTP status that err reports, or 0.
func status(err error) int {
	var he *regpass.HTTPError
	if errors.As(err, &he) {
		return he.Status
	}
	return 0
}

// refusedByServer reports whether the server understood the request and said no: a 4xx that a second try can't mend.
func refusedByServer(err error) bool {
	switch s := status(err); s {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	default:
		return s/100 == 4
	}
}
