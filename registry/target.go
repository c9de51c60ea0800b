package registry

import (
	"context"
	"net/url"
	"slices"

	"github.com/regpass/regpass"
)

// Target is the registry that one Ref names, with all that is known of it before anything is sent.
type Target struct {
	Row      Row
	Ref      regpass.Ref
	Receiver *url.URL // origin that is shown the proof
	Revoker  *url.URL // origin that ends a credential
	Audience string   // audience that the identity needs; empty: the server is asked, or takes none
	Scope    string   // what an identity's credential is good for at the receiver: two refs of one scope share it
	Hosts    []string // hosts that the credential is for; the first is where packages are read or uploaded

	exchanger exchanger
}

// exchanger exchanges a proof for a credential; Target fills in its registry and hosts.
type exchanger interface {
	exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error)
}

// Open works out what ref names. Its error says that ref is written wrongly, or that it may have no credential.
func Open(env *regpass.Env, ref regpass.Ref) (Target, error) {
	row, err := Find(env, ref)
	if err != nil {
		return Target{}, err
	}
	if !row.Trusts(env, ref) {
		return Target{}, untrusted(ref)
	}
	t, err := row.Open(env, ref)
	if err != nil {
		return Target{}, err
	}
	t.Row, t.Ref = row, ref
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

// ScopeFor is what a credential that the method gets is good for at the receiver. Only an identity's is narrower than
// all of it.
func (t Target) ScopeFor(m regpass.Method) string {
	if m == regpass.OIDC {
		return t.Scope
	}
	return ""
}

// Exchange exchanges the proof for a credential. It never returns one that has ended by env.Now.
func (t Target) Exchange(ctx context.Context, env *regpass.Env, p Proof) (regpass.Credential, error) {
	cred, err := t.exchanger.exchange(ctx, env, t, p)
	if err != nil {
		return regpass.Credential{}, err
	}
	cred.Registry, cred.Host, cred.MoreHosts = t.Row.Name, t.Hosts[0], t.Hosts[1:]
	return cred, nil
}

// GivenIn reports whether every job of a CI system has a token for registries of this kind.
func (r Row) GivenIn(ci string) bool {
	return slices.ContainsFunc(r.Proofs, func(s Source) bool { return s.CI == ci && s.Method == regpass.ReadyToken })
}

// KeyVars are the variables of its own in which a key for the registry is best given; nil: it has none.
func (t Target) KeyVars() []string {
	for _, s := range slices.Backward(t.Row.Proofs) {
		switch {
		case s.Method != regpass.APIKey || s.CI != "":
		case s.Read != nil: // the first two make the key
			return slices.Clone(s.Vars[:2])
		default:
			return slices.Clone(s.Vars[:1])
		}
	}
	return nil
}

// option is the value of one of the row's options; empty: nothing says it.
func (t Target) option(env *regpass.Env, name string) string {
	o, _ := t.Row.option(name)
	return o.value(env, t.Ref)
}

// unsupported refuses a proof that the registry has no use for.
func (t Target) unsupported(p Proof) error {
	return regpass.NoIdentityf("%s: %s takes no %s", t.Row.Name, regpass.Quote(t.Ref.String()), p.Method)
}
