package broker

import (
	"slices"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

// Source is one place where a credential may come from.
type Source struct {
	Name, Doc string // for help
	find      func(*Broker, registry.Target) (found, bool, error)
}

// Order is where a credential may come from, best first. Credential, Explain and help walk it.
var Order = []Source{
	{"flag", "a secret from a flag: --token-stdin, --conda-token-stdin, --password-stdin", fromGiven},
	{"key for the host", "REGPASS_API_KEY_NAME by its name=, or REGPASS_API_KEY_HOST, for a registry that you name",
		fromHostKey},
	{"registry's variable", "its ready token, otherwise its API key: see `regpass help registries`", fromRow},
	{"API key", "REGPASS_API_KEY or REGPASS_API_KEY_FILE, for registries that you name", fromGeneralKey},
	{"session", "a fresh credential of an earlier step of this job", fromSession},
	{"CI identity", "an ID token of this job: see `regpass help identities`", fromCI},
	{"cloud identity", "the role or service account of this machine, for registries of its cloud", fromCloud},
	{"refresh token", "the last login, renewed", fromRefresh},
	{"browser", "a person at the terminal, with `regpass login`", fromBrowser},
	{"machine's identity", "an ID token that says which machine this is, and not who works there", fromMachine},
}

// found is a proof to exchange, or a lease that the session keeps.
type found struct {
	proof registry.Proof
	lease session.Lease // kept: the whole lease; for a refresh token: key and Own of the one that it replaces
	kept  bool
}

// find walks Order.
func (b *Broker) find(t registry.Target) (found, error) {
	for _, s := range Order {
		f, ok, err := s.find(b, t)
		if err != nil {
			return found{}, err
		}
		if ok {
			b.env.Mask(f.proof.Secret, f.proof.SessionToken)
			return f, nil
		}
	}
	return found{}, b.noProof(t)
}

// fromGiven refuses where only the checkout names the registry: whoever wrote it must not choose where a secret goes
// that names no registry.
func fromGiven(b *Broker, t registry.Target) (found, bool, error) {
	g := b.options.Given
	switch {
	case g.From == "":
		return found{}, false, nil
	case !t.Ref.Trusted || t.Ref.Vouched:
		err := regpass.Usagef("%s is for a registry that you name, and %s is named by %s",
			g.From, regpass.Quote(t.Ref.String()), t.Ref.NamedBy())
		return found{}, false, regpass.Hintf(err, "name the registry on the command line, if the secret is for it")
	}
	p := registry.Proof{Method: regpass.APIKey, From: g.From, Secret: g.Secret, Kind: g.Kind, Username: g.Username}
	if g.NoUser && p.Kind == "" {
		p.Kind = regpass.Basic
	}
	return found{proof: p}, true, nil
}

// fromHostKey takes the key that a variable binds to this registry, which HostVars must allow.
func fromHostKey(b *Broker, t registry.Target) (found, bool, error) {
	p, ok, err := keyIn(b.env, HostVars(t.Ref))
	return found{proof: b.withUser(p)}, ok, err
}

// fromRow takes what stands in the registry's own variables.
func fromRow(b *Broker, t registry.Target) (found, bool, error) {
	for _, s := range t.Row.Proofs {
		p, ok, err := s.Find(b.env, t)
		if err != nil {
			return found{}, false, err
		}
		if ok {
			return found{proof: b.withUser(p)}, true, nil
		}
	}
	return found{}, false, nil
}

// fromGeneralKey takes the key for registries that have no variable of their own. A registry that only the checkout
// names does not get it.
func fromGeneralKey(b *Broker, t registry.Target) (found, bool, error) {
	if !t.Ref.Trusted || t.Ref.Vouched {
		return found{}, false, nil
	}
	p, ok, err := keyIn(b.env, []string{KeyVar})
	return found{proof: b.withUser(p)}, ok, err
}

// withUser adds the user name that --username gives to a key from a variable. The row checks that it is one.
func (b *Broker) withUser(p registry.Proof) registry.Proof {
	if g := b.options.Given; (g.Username != "" || g.NoUser) && p.Username == "" {
		p.Username, p.Kind = g.Username, regpass.Basic
	}
	return p
}

func fromSession(b *Broker, t registry.Target) (found, bool, error) {
	l, ok, err := b.stored(t, anyLease)
	ok = ok && l.Cred.Fresh(b.env.Now(), l.Minted, b.options.Least)
	return found{lease: l, kept: ok}, ok, err
}

// fromCI makes a proof of the job's identity, or of the one that --provider names.
func fromCI(b *Broker, t registry.Target) (found, bool, error) {
	if name := b.options.Provider; name != "" {
		provider, err := identity.Find(name)
		if err != nil {
			return found{}, false, err
		}
		return b.identity(t, provider)
	}
	provider, ok := identity.Detect(b.env, t.Audience)
	if !ok || provider.Machine {
		return found{}, false, nil
	}
	return b.identity(t, provider)
}

// fromMachine makes a proof of the machine's identity. A person who logged in, or can, comes before: that this is a
// machine of Google Cloud says nothing of who works at it.
func fromMachine(b *Broker, t registry.Target) (found, bool, error) {
	if b.options.Provider != "" {
		return found{}, false, nil
	}
	provider, ok := identity.Detect(b.env, t.Audience)
	if !ok || !provider.Machine {
		return found{}, false, nil
	}
	return b.identity(t, provider)
}

// identity makes a proof of an identity, which is asked for only when the registry needs it.
//
// A CI system whose tokens are all for one audience has none for this registry. Where a person named the registry, it
// may have the one there is, if that audience is the CI system's own name. One that is the name of a service, such as
// Entra ID, is not for others: whoever gets the token could use it there. Only audience= says that it may be.
func (b *Broker) identity(t registry.Target, provider identity.Provider) (found, bool, error) {
	if !t.Row.OIDC || len(t.Missing(b.env)) > 0 {
		return found{}, false, nil
	}
	p := registry.Proof{Method: regpass.OIDC, From: provider.Title,
		Identities: &job{broker: b, provider: provider, receiver: t.Receiver.String()}}
	if _, asked := t.Ref.Options["audience"]; !asked && provider.OwnAudience && t.Ref.Trusted && !t.Ref.Vouched {
		p.Audience = provider.OnlyAudience(b.env)
	}
	return found{proof: p}, true, nil
}

// fromCloud takes the machine's own identity. It is asked for only in the exchange.
func fromCloud(b *Broker, t registry.Target) (found, bool, error) {
	if t.Row.Cloud == nil || b.options.Provider != "" { // the person wants another identity
		return found{}, false, nil
	}
	from := t.Row.Cloud(b.env, t)
	return found{proof: registry.Proof{Method: regpass.Cloud, From: from}}, from != "", nil
}

func fromRefresh(b *Broker, t registry.Target) (found, bool, error) {
	l, ok, err := b.stored(t, anyLease)
	if err != nil || !ok || l.Cred.Refresh.Empty() {
		return found{}, false, err
	}
	p := registry.Proof{Method: regpass.Refresh, From: l.From, Secret: l.Cred.Refresh}
	return found{proof: p, lease: session.Lease{Key: l.Key, Own: l.Own}}, true, nil
}

func fromBrowser(b *Broker, t registry.Target) (found, bool, error) {
	ok := b.options.Browser && t.Row.Browser && b.session != nil && b.env.Terminal
	return found{proof: registry.Proof{Method: regpass.Browser, From: "browser login"}}, ok, nil
}

// stored looks for a credential of an earlier login or exchange that serves t. A registry that only the checkout names
// gets none that was made with a secret which names no registry; see fromGiven and fromGeneralKey.
func (b *Broker) stored(t registry.Target, wanted func(session.Lease) bool) (session.Lease, bool, error) {
	if b.session == nil {
		return session.Lease{}, false, nil
	}
	all, err := b.session.Leases()
	if err != nil {
		return session.Lease{}, false, err
	}
	for _, l := range all {
		if (l.Own || t.Ref.Trusted && !t.Ref.Vouched) && serves(l, t) && wanted(l) {
			return l, true, nil
		}
	}
	return session.Lease{}, false, nil
}

// anyLease is for stored.
func anyLease(session.Lease) bool { return true }

// serves reports whether a credential is good for t. A key or token of the user's may be for one of the hosts of its
// receiver only, so it must name t's.
func serves(l session.Lease, t registry.Target) bool {
	return l.Cred.Registry == t.Row.Name && l.Receiver == t.Receiver.String() && l.Scope == t.ScopeFor(l.Method) &&
		(l.Revocable || slices.Contains(append([]string{l.Cred.Host}, l.Cred.MoreHosts...), t.Hosts[0]))
}
