// Package registry answers "what may it have?". It exchanges a proof of who asks for a credential of one package
// registry. Every registry has a file and a row in All.
package registry

import (
	"cmp"
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
	Also  []string // other words that people write for type=: the error names the right one
	Said  string   // what sentences call it, where Name tells a stranger nothing; empty: Name
	Title string   // one line for help
	Doc   string   // URL of the registry's own documentation of authentication
	// Proven says what stood on the other side in the tests: a real server or client, the vendor's own SDK, a strict fake.
	// "documentation" is no test of the protocol at all.
	Proven string
	Hosts  []string // the hosts that pick the row, for help
	// Example is a REGISTRY of the kind, with the options that it needs, for help and tests.
	Example string

	// Match reports whether ref's host is known to be this registry.
	Match   func(env *regpass.Env, ref regpass.Ref) bool
	AnyHost bool // Match also takes hosts that anybody may run, so only refs that the user names get a credential
	// Vouches reports, where AnyHost is set, whether a variable of the user's own names ref's server; nil: none can.
	Vouches func(env *regpass.Env, ref regpass.Ref) bool
	Vouch   string // the variable that Vouches reads, which a server's URL is set in
	Runs    string // what people run on hosts of their own, which only type= tells, for hints
	Path    string // part of the path by which a server may be guessed to be one of Runs; empty: none
	// Public lists the channels and indexes that everyone may read, by the first segment of their path.
	Public []string
	// PublicHosts lists hosts that serve nothing private. A checkout that names one needs no warning that it gets nothing.
	PublicHosts []string
	// Readers are hosts of the registry's at which no credential is needed, such as those that everyone reads, each with
	// the URL to publish to.
	Readers map[string]string
	// Pages are hosts of the vendor's web pages, which people copy and no client asks for packages.
	Pages []string

	Proofs    []Source // where a proof that is only for this registry may be, best first
	ClientVar string   // variable from which the registry's own client reads the credential, or empty
	Options   []Option // options of a Ref besides CommonOptions
	OIDC      bool     // takes CI identities
	Needs     []string // options that a CI identity is of no use without
	Exchanges bool     // exchanges an API key for a token; false: the key is the token
	Browser   bool     // has a login page for a person with a browser
	Conda     bool     // serves conda channels alone, so other clients have no use for its credential
	Publishes bool     // takes uploads alone, so clients that install have no use for its credential

	// CargoBare says that cargo sends the token as it is, and not as Bearer; the option cargo=bare says so of one server.
	CargoBare bool

	// Cloud says which credentials of the machine's cloud serve the target, for people, without a request; empty: none.
	// Nil: the registry is of no cloud.
	Cloud func(env *regpass.Env, t Target) string
	// Halfway says that the registry's service is often down, so that a credential is replaced at half of its lifetime.
	Halfway bool
	// Images says that clients of containers ask the host for images.
	Images bool
	// Refusals explain what the registry answers.
	Refusals []Refusal
	// Trust says what the registry's administrator enters so that a job is let in. Nil: nothing can be entered.
	Trust func(env *regpass.Env, t Target, j Job) (Trust, error)

	// Open works out everything that is known about ref before a request is sent. It reads only env's variables.
	Open func(env *regpass.Env, ref regpass.Ref) (Target, error)
	// Revoke ends a minted credential at the origin in Target.Revoker. It is no error if the credential has ended
	// already, and ErrEndsItself if this one cannot be ended. Nil: the registry has no way to revoke. Ready tokens and
	// keys belong to the user and are never revoked.
	Revoke func(ctx context.Context, env *regpass.Env, revoker *url.URL, cred regpass.Credential) error
}

// Option is a key=value that may follow a registry's URL.
type Option struct {
	Name, Doc    string
	Vars         []string // variables that users may have set already; the option wins over them
	Values       []string // the values it may have; nil: any text
	FromCheckout bool     // a file of the checkout may set it
}

// Refusal is an answer of a registry that does not say what to do about it.
type Refusal struct {
	Says string // part of the answer
	Hint string // what is likely wrong, and what to do
}

// Static is the name of the row that takes any host.
const Static = "static"

// All is every kind of registry; the first that matches is taken. The last one matches every host.
var All = []Row{
	pyx,
	prefixDev,
	anacondaOrg,
	anacondaCom,
	quetz,
	codeArtifact,
	ecr,
	azureArtifacts,
	acr,
	google,
	jfrog,
	cloudsmith,
	quay,
	dockerHub,
	buildkite,
	chainguard,
	octoSTS,
	github,
	vault,
	tokenExchange,
	jwtBearer,
	passthrough,
	pypi,
	crates,
	npm,
	rubyGems,
	nuGet,
	gitea,
	nexus,
	harbor,
	gemfury,
	gitlab,
	s3,
	static,
}

// CommonOptions are the options of every row.
var CommonOptions = []Option{
	{Name: "audience", Doc: "audience of the CI identity"},
	{Name: "cargo", Values: []string{bareToken},
		Doc: "bare: cargo sends the token as it is, without `Bearer` before it, as kellnr wants it"},
	{Name: "name", Doc: "name of the index, for UV_INDEX_<NAME>_…; a file of the checkout sets none", FromCheckout: true},
	{Name: "ports", Values: []string{"any"},
		Doc: "any: a server on a port of its own gets a netrc and rattler's file, for every port of its host"},
	{Name: "type", Doc: "kind of registry, if the host does not tell"},
}

const bareToken = "bare"

// CargoBare reports whether cargo is to send ref's token without a scheme before it, which is what it does with the
// tokens in its own files (https://doc.rust-lang.org/cargo/reference/registry-web-api.html).
func CargoBare(env *regpass.Env, ref regpass.Ref) bool {
	row, err := Find(env, ref)
	return err == nil && (row.CargoBare || ref.Options["cargo"] == bareToken)
}

// Find picks the row for ref: the one in its option type, otherwise the first that matches its host. An unknown type,
// option or value is ErrUsage. So is an option from a file of the checkout that would decide where a proof goes, or for
// whom it is made: a pull request must not decide that.
func Find(env *regpass.Env, ref regpass.Ref) (Row, error) {
	row, err := pickRow(env, ref)
	if err == nil {
		err = row.checkOptions(ref)
	}
	if err != nil {
		return Row{}, fmt.Errorf("registry: %s: %w", regpass.Quote(ref.String()), err)
	}
	return row, nil
}

func pickRow(env *regpass.Env, ref regpass.Ref) (Row, error) {
	name, named := ref.Options["type"]
	if named && !ref.Trusted {
		return Row{}, notFromCheckout(ref, "type")
	}
	if named {
		row, err := regpass.Pick("type", name, All, func(r Row) string { return r.Name })
		if also := alsoCalled(name); err != nil && also != "" {
			err = regpass.Hintf(err, "type=%s is the one for it", also)
		}
		return row, err
	}
	i := slices.IndexFunc(All, func(r Row) bool { return r.Match(env, ref) }) // the last one matches
	return All[i], nil
}

// alsoCalled lists the rows that a word is for, as values of type=; empty: it is for none.
func alsoCalled(word string) string {
	var names []string
	for _, r := range All {
		if slices.Contains(r.Also, strings.ToLower(word)) {
			names = append(names, r.Name)
		}
	}
	return strings.Join(names, " or type=")
}

// Word is what sentences call the row.
func (r Row) Word() string { return cmp.Or(r.Said, r.Name) }

func (r Row) checkOptions(ref regpass.Ref) error {
	for _, key := range slices.Sorted(maps.Keys(ref.Options)) {
		option, err := r.option(key)
		if err != nil {
			return err
		}
		if !ref.Trusted && !option.FromCheckout {
			return notFromCheckout(ref, key)
		}
		if option.Values == nil {
			continue
		}
		if _, err := regpass.Pick(key, ref.Options[key], option.Values, func(v string) string { return v }); err != nil {
			return err
		}
	}
	return nil
}

// HasOption reports whether a Ref of the row may have the option.
func (r Row) HasOption(name string) bool {
	_, err := r.option(name)
	return err == nil
}

// option finds one of the row's options. An unknown one is ErrUsage.
func (r Row) option(name string) (Option, error) {
	all := slices.Concat(CommonOptions, r.Options)
	o, err := regpass.Pick("option", name, all, func(o Option) string { return o.Name })
	if err != nil {
		return Option{}, fmt.Errorf("%s: %w", r.Word(), err)
	}
	return o, nil
}

// value is the option's value in ref, otherwise that of the first of its variables that is set, otherwise empty.
func (o Option) value(env *regpass.Env, ref regpass.Ref) string {
	if v, given := ref.Options[o.Name]; given {
		return v
	}
	_, v := env.Lookup(o.Vars...)
	return v
}

// Trusts reports whether ref may be sent a credential: the person who runs the program named it, or its host is known
// to be this registry. No other code decides that.
func (r Row) Trusts(env *regpass.Env, ref regpass.Ref) bool {
	return ref.Trusted || r.Match(env, ref) && (!r.AnyHost || r.Vouches != nil && r.Vouches(env, ref))
}

// IsPublic reports whether everyone may read ref without a credential.
func (r Row) IsPublic(ref regpass.Ref) bool {
	return slices.Contains(r.Public, segments(ref.URL)[0]) || slices.Contains(r.PublicHosts, ref.Host)
}

const nameItYourself = "name it on the command line or in REGPASS_REGISTRIES, or trust its host in your own " +
	"regpass.toml, to send it a credential"

// notFromCheckout refuses an option that only the user may set.
func notFromCheckout(ref regpass.Ref, option string) error {
	err := regpass.Usagef("%s= is not taken from %s", option, ref.NamedBy())
	return regpass.Hintf(err, nameItYourself)
}

// untrusted refuses to send a proof to a host that only a file of the checkout names.
func (r Row) untrusted(env *regpass.Env, ref regpass.Ref) error {
	err := fmt.Errorf("registry: %s: no credential is sent to a host that only %s names",
		regpass.Quote(ref.String()), ref.Origin)
	return regpass.Hintf(err, "%s%s", nameItYourself, r.OrVouch(env, ref))
}

// OrVouch ends a hint to name a registry oneself: a variable may vouch for it too. It is empty if none can.
func (r Row) OrVouch(env *regpass.Env, ref regpass.Ref) string {
	if r.Vouch == "" || !r.Match(env, ref) {
		return ""
	}
	return fmt.Sprintf(", or set %s=%s, if that server is yours", r.Vouch, origin(ref))
}

// origin is scheme, host and port of ref.
func origin(ref regpass.Ref) *url.URL { return &url.URL{Scheme: ref.URL.Scheme, Host: ref.URL.Host} }

// inDomain reports whether host is domain or a subdomain of it: badastralhosted.com is not in astralhosted.com. Nothing
// is in the empty domain, nor a bucket, which anybody may give such a name: s3://bucket.prefix.dev is a Ref's Host too.
func inDomain(host, domain string) bool {
	return domain != "" && !strings.Contains(host, "/") && (host == domain || strings.HasSuffix(host, "."+domain))
}

// hostPattern matches hosts that all hold one of some texts. It is asked for every URL, and an expression that must be
// compiled first costs more than all rows together; see regpass.Pattern.
func hostPattern(expression string, holds ...string) func(host string) []string {
	re := regpass.Pattern(expression)
	return func(host string) []string {
		if !slices.ContainsFunc(holds, func(text string) bool { return strings.Contains(host, text) }) {
			return nil
		}
		return re().FindStringSubmatch(host)
	}
}

// segments splits the escaped path, so an escaped slash does not split a segment.
func segments(u *url.URL) []string { return strings.Split(strings.Trim(u.EscapedPath(), "/"), "/") }

// status is the HTTP status that err reports, or 0.
func status(err error) int {
	var he *regpass.HTTPError
	if errors.As(err, &he) {
		return he.Status
	}
	return 0
}

// ErrEndsItself says that nobody can end a credential before its time.
var ErrEndsItself = errors.New("the credential ends by itself")

// refusedByServer reports whether the server refused the request with a 4xx that a second try would get again.
func refusedByServer(err error) bool { return errors.Is(err, regpass.ErrRefused) }
