package broker

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
)

// Variables that hold a key for a registry without one of its own. A name or a host behind KeyVar and _ binds the key
// to one registry. FileSuffix behind a variable's name has it name the file that holds the key.
const (
	KeyVar     = "REGPASS_API_KEY"
	FileSuffix = "_FILE"
)

// MaxKey is how much is read of a file or standard input that holds a key, in bytes: more than any key has.
const MaxKey = 1 << 20

// inVar matches the characters of a name or a host that stand as they are in the name of a variable.
const inVar = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// HostVars are the variables that may hold the key of just this registry, best first: by the index's name, and by the
// host. A person must have named the registry: a file of the checkout could choose a name, or a host that differs only
// in characters that a variable cannot have. A name that ends in file has no variable: it would name another's file.
func HostVars(ref regpass.Ref) []string {
	if !ref.Trusted {
		return nil
	}
	names := []string{ref.Options["name"], ref.Host}
	if ref.URL.Scheme == "s3" {
		names = names[:1]
	}
	var vars []string
	for _, name := range names {
		v := KeyVar + "_" + strings.Map(func(r rune) rune {
			if strings.ContainsRune(inVar, r) {
				return r
			}
			return '_'
		}, strings.ToUpper(name))
		if name != "" && !strings.HasSuffix(v, FileSuffix) {
			vars = append(vars, v)
		}
	}
	return vars
}

// KeyVars are the variables that are best for giving a registry its key: its own, otherwise one for its name or host.
func KeyVars(t registry.Target) []string {
	if own := t.KeyVars(); own != nil {
		return own
	}
	return []string{append(HostVars(t.Ref), KeyVar)[0]}
}

// isGeneralKey reports whether a proof is from a variable that names no registry.
func isGeneralKey(from string) bool { return from == KeyVar || from == KeyVar+FileSuffix }

// isHostKey reports whether a proof is from one of HostVars.
func isHostKey(from string) bool { return strings.HasPrefix(from, KeyVar+"_") && !isGeneralKey(from) }

// keyIn reads the key in the first of the variables that is set, or in the file that one of them names.
func keyIn(env *regpass.Env, vars []string) (registry.Proof, bool, error) {
	for _, name := range vars {
		value := env.Getenv(name)
		if path := env.Getenv(name + FileSuffix); value == "" && path != "" {
			name += FileSuffix
			raw, err := regpass.ReadSecretFile(name, env.Abs(path), MaxKey)
			if err != nil {
				return registry.Proof{}, false, err
			}
			if value = string(raw); strings.TrimSpace(value) == "" {
				return registry.Proof{}, false, fmt.Errorf("%s: the file is empty", name)
			}
		}
		if value != "" {
			return registry.Proof{Method: regpass.APIKey, From: name, Secret: regpass.SecretLine(value)}, true, nil
		}
	}
	return registry.Proof{}, false, nil
}

// namesNone reports whether a proof is a secret that is for a registry only because a person named that: one that was
// given, or one from a variable that the registry's row does not have.
func (b *Broker) namesNone(proof registry.Proof) bool {
	return b.options.Given.From != "" || isGeneralKey(proof.From) || isHostKey(proof.From)
}

// place is what gets a secret: a group of hosts that are one owner's, and the one that is asked now, for people.
type place struct{ group, shown string }

// ownServers is the group of a service's own hosts, for a secret from a variable of that service.
const ownServers = "the service's own"

// placeOf is what gets the proof. A key that is not exchanged is seen by the registry's host, whoever else its row has
// identities shown to.
func (b *Broker) placeOf(t registry.Target, proof registry.Proof) place {
	receiver := t.Receiver.String()
	at := receiver
	if proof.Method == regpass.ReadyToken || !t.Row.Exchanges {
		at = (&url.URL{Scheme: t.Ref.URL.Scheme, Host: t.Ref.URL.Host}).String()
	}
	switch own := t.Row.Match(b.env, t.Ref); {
	case own && b.namesNone(proof):
		return place{receiver, at} // one key for the hosts of a service
	case own:
		return place{ownServers, at}
	}
	return place{at, at}
}

// onlyTo keeps a secret to the first place that gets it, if it was given, or is from a variable that is not the
// registry's own. One from a service's own variable goes to that service's hosts, or to one server of which only type=
// says that it is of that kind: sending one secret to several is what a hostile list of registries would want.
func (b *Broker) onlyTo(t registry.Target, proof registry.Proof) error {
	key := proof.Method == regpass.APIKey || proof.Method == regpass.ReadyToken // not what a login left
	if !b.namesNone(proof) && !key {
		return nil
	}
	here := b.placeOf(t, proof)
	before, sent := b.sentTo[proof.From]
	if !sent || before.group == here.group {
		b.sentTo[proof.From] = here
		return nil
	}
	err := regpass.Usagef("%s is one key, but %s and %s both would get it", proof.From, before.shown, here.shown)
	if isHostKey(proof.From) {
		return regpass.Hintf(err, "add name=INDEX to each of them, and set %s_INDEX", KeyVar)
	}
	return regpass.Hintf(err, "give each a variable of its own, such as %s",
		append(HostVars(t.Ref), KeyVars(t)...)[0])
}
