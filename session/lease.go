package session

import (
	"encoding/json"
	"time"

	"github.com/regpass/regpass"
)

// Lease is a credential that the session keeps, with how it was made.
type Lease struct {
	Key      string         // names the registry, the scope and the proof; see Session.Mint
	Receiver string         // origin that was shown the proof
	Revoker  string         // origin that ends the credential
	Scope    string         // limits the credential at the receiver, as registry.Target says; or empty
	Method   regpass.Method // how the proof proved who asks
	From     string         // the proof's source, for people: "GitHub Actions"
	// Own says that the proof was the registry's own: its variable, a CI identity, a browser login. A secret that names no
	// registry is for those that the person names.
	Own       bool
	Revocable bool // we minted it, so we may revoke it; false for a user's own key or token
	Minted    time.Time
	Cred      regpass.Credential
}

// onDisk is a Lease in JSON. Only here is a credential written in clear, to a file of mode 0600.
type onDisk struct {
	Key, Receiver, Revoker, Scope, Method, From string
	Registry, Host, Kind, Username              string
	MoreHosts                                   []string `json:",omitempty"`
	Secret, SessionToken, Refresh, Ender        string   `json:",omitempty"`
	Own, Revocable                              bool
	Minted, Expires, RenewAt                    time.Time
}

// MarshalJSON writes the secrets too. Only the session's state file uses it.
func (l Lease) MarshalJSON() ([]byte, error) {
	c := l.Cred
	return json.Marshal(onDisk{
		Key: l.Key, Receiver: l.Receiver, Revoker: l.Revoker, Scope: l.Scope, Method: string(l.Method), From: l.From,
		Registry: c.Registry, Host: c.Host, MoreHosts: c.MoreHosts, Kind: string(c.Kind), Username: c.Username,
		Secret: c.Secret.Reveal(), SessionToken: c.SessionToken.Reveal(), Refresh: c.Refresh.Reveal(),
		Ender: c.Ender.Reveal(),
		Own:   l.Own, Revocable: l.Revocable, Minted: l.Minted, Expires: c.Expires, RenewAt: c.RenewAt,
	})
}

// UnmarshalJSON is the reverse of MarshalJSON.
func (l *Lease) UnmarshalJSON(b []byte) error {
	var d onDisk
	if err := json.Unmarshal(b, &d); err != nil {
		return err
	}
	*l = Lease{
		Key: d.Key, Receiver: d.Receiver, Revoker: d.Revoker, Scope: d.Scope, Method: regpass.Method(d.Method), From: d.From,
		Own: d.Own, Revocable: d.Revocable, Minted: d.Minted,
		Cred: regpass.Credential{
			Registry: d.Registry, Host: d.Host, MoreHosts: d.MoreHosts, Kind: regpass.Kind(d.Kind), Username: d.Username,
			Secret: regpass.NewSecret(d.Secret), SessionToken: regpass.NewSecret(d.SessionToken),
			Refresh: regpass.NewSecret(d.Refresh), Ender: regpass.NewSecret(d.Ender),
			Expires: d.Expires, RenewAt: d.RenewAt,
		},
	}
	return nil
}
