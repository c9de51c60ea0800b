package registry

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// Target is the registry that one Ref names, with everything that is known about it before a request is sent.
type Target struct {
	Row      Row
	Ref      regpass.Ref
	Receiver *url.URL // origin that is shown the proof, with a path for servers that lie below one
	Revoker  *url.URL // the same for the one that ends a credential
	Audience string   // audience that the identity needs; empty: the server names it, or takes no identity
	Scope    string   // of an identity's credential at the receiver: two refs with one scope share the credential
	Narrow   bool     // Scope limits what a key is exchanged for too
	Hosts    []string // hosts that the credential is for; the first one serves packages or takes uploads

	exchanger exchanger
}

// exchanger exchanges a proof for a credential. Target fills in its registry and hosts.
type exchanger interface {
	exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error)
}

// Open works out what ref names. It returns an error if ref is malformed or may not be sent a credential.
func Open(env *regpass.Env, ref regpass.Ref) (Target, error) {
	row, err := Find(env, ref)
	if err != nil {
		return Target{}, err
	}
	if !row.Trusts(env, ref) {
		return Target{}, row.untrusted(env, ref)
	}
	t, err := row.Open(env, ref)
	if err != nil {
		return Target{}, err
	}
	t.Row, t.Ref = row, withoutName(ref)
	if t.Receiver == nil {
		t.Receiver = origin(ref)
	}
	if t.Revoker == nil {
		t.Revoker = t.Receiver
	}
	if len(t.Hosts) == 0 {
		t.Hosts = []string{ref.Host}
	}
	return t, nil
}

// publishing begins the scope of an identity's credential that may upload.
const publishing = "write "

// Beside splits off the refs that only the checkout names to publish to, if it names an index of the same server too:
// clients take one credential for a server, and a checkout that is built is not one that is published. One that
// cannot be opened stays.
func Beside(env *regpass.Env, refs []regpass.Ref) (kept, publish []regpass.Ref) {
	indexes := map[string]bool{}
	writes := make([]string, len(refs)) // receivers
	for i, ref := range refs {
		t, err := Open(env, ref)
		switch {
		case err != nil:
		case (!ref.Trusted || ref.Vouched) && strings.HasPrefix(t.Scope, publishing):
			writes[i] = t.Receiver.String()
		default:
			indexes[t.Receiver.String()] = true
		}
	}
	for i, ref := range refs {
		if indexes[writes[i]] {
			publish = append(publish, ref)
		} else {
			kept = append(kept, ref)
		}
	}
	return kept, publish
}

// withoutName drops the index name of a ref that only the checkout names: uv sends UV_INDEX_<NAME>_PASSWORD to the URL
// that the checkout gives the index of that name.
func withoutName(ref regpass.Ref) regpass.Ref {
	if _, named := ref.Options["name"]; !named || ref.Trusted {
		return ref
	}
	ref.Options = maps.Clone(ref.Options)
	delete(ref.Options, "name")
	return ref
}

// ScopeFor is the scope of a credential that the method gets. An identity's credential is limited to Target.Scope, and
// so is every credential of a cloud, whose receiver makes those of many registries, and of a target that is Narrow.
// With every other method it is good for the whole receiver, and ScopeFor is empty.
func (t Target) ScopeFor(m regpass.Method) string {
	if m == regpass.OIDC || t.Row.Cloud != nil || t.Narrow {
		return t.Scope
	}
	return ""
}

// Exchange exchanges the proof for a credential. It never returns one that has expired by env.Now.
func (t Target) Exchange(ctx context.Context, env *regpass.Env, p Proof) (regpass.Credential, error) {
	cred, err := t.exchanger.exchange(ctx, env, t, p)
	if err != nil {
		return regpass.Credential{}, t.explain(err, p)
	}
	cred.Registry, cred.Host, cred.MoreHosts = t.Row.Name, t.Hosts[0], t.Hosts[1:]
	if t.Row.Halfway && !cred.Expires.IsZero() {
		now := env.Now()
		cred.RenewAt = now.Add(cred.Expires.Sub(now) / 2)
	}
	return cred, nil
}

// explain adds to a registry's refusal what is likely wrong, and how to find out what to enter there.
func (t Target) explain(err error, p Proof) error {
	if !refusedByServer(err) {
		return err
	}
	for _, r := range t.Row.Refusals {
		if strings.Contains(err.Error(), r.Says) {
			err = regpass.Hintf(err, "%s", r.Hint)
			break
		}
	}
	if p.Method == regpass.OIDC && t.Row.Trust != nil {
		return regpass.Hintf(err, "`regpass trust %s` in this job prints what to enter there", t.Ref.Args())
	}
	return err
}

// Missing lists the options without which no CI identity can be exchanged, each as what to set.
func (t Target) Missing(env *regpass.Env) []string {
	var all []string
	for _, name := range t.Row.Needs {
		if o, _ := t.Row.option(name); o.value(env, t.Ref) == "" {
			all = append(all, strings.Join(append(slices.Clone(o.Vars), name+"="), " or "))
		}
	}
	return all
}

// Check finds out without a request whether Exchange would refuse a key or a ready token as it is.
func (t Target) Check(env *regpass.Env, p Proof) (err error) {
	switch {
	case p.Method == regpass.ReadyToken, p.Method == regpass.APIKey && !t.Row.Exchanges: // these are the credential
		_, err = t.exchanger.exchange(context.Background(), env, t, p)
	case p.Method == regpass.APIKey:
		_, err = p.secret(t.Row.Word())
	}
	return err
}

// HasJobToken reports whether every job of the CI system has a token for registries of this kind.
func (r Row) HasJobToken(ci string) bool {
	return slices.ContainsFunc(r.Proofs, func(s Source) bool { return s.CI == ci && s.Method == regpass.ReadyToken })
}

// KeyVars are the registry's own variables that are best for giving it a key; nil: it has none.
func (t Target) KeyVars() []string {
	s, ok := t.keySource()
	if !ok {
		return nil
	}
	return slices.Clone(s.needs())
}

// keySource is the source whose variables are best for a key; ok is false if there is none that a person sets.
func (t Target) keySource() (s Source, ok bool) {
	for _, s := range slices.Backward(t.Row.Proofs) {
		if s.Method == regpass.APIKey && s.CI == "" && (s.Host == "" || s.Host == t.Ref.Host) {
			return s, true
		}
	}
	return Source{}, false
}

// option is the value of one of the row's options; empty: it is not set.
func (t Target) option(env *regpass.Env, name string) string {
	o, _ := t.Row.option(name) // always known: a row only asks for its own options
	return o.value(env, t.Ref)
}

// unsupported refuses a proof of a method that the registry does not take.
func (t Target) unsupported(p Proof) error {
	return regpass.NoIdentityf("%s: %s takes no %s", t.Row.Word(), regpass.Quote(t.Ref.String()), p.Method)
}
