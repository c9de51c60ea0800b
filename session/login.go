package session

import (
	"encoding/json"
	"time"

	"github.com/regpass/regpass"
)

// Login is a credential that the session keeps.
type Login struct {
	Key      string // names the proof it was made with; see Session.Mint
	Endpoint string // origin where it was made, and where it is revoked
	Scope    string // what it is good for there; the registry's row says
	Method   string // how the proof proved; the registry's row says
	From     string // the proof, for people: "GitHub Actions"
	Shown    string // fingerprint of the identity token that was traded for it, or empty
	Ours     bool   // minted by us, so ours to revoke; not a key or a token that the user had
	Minted   time.Time
	Cred     regpass.Credential
}

// onDisk is a Login in JSON: the one place where a credential is written in clear, to a file of mode 0600.
type onDisk struct {
	Key, Endpoint, Scope, Method, From, Shown, Registry, Host, Kind, Username string
	Secret, SessionToken, Refresh                                             string `json:",omitempty"`
	Ours                                                                      bool
	Minted, Expires                                                           time.Time
}

// MarshalJSON writes the secrets too; only the session's own file is written with it.
func (l Login) MarshalJSON() ([]byte, error) {
	c := l.Cred
	return json.Marshal(onDisk{l.Key, l.Endpoint, l.Scope, l.Method, l.From, l.Shown, c.Registry, c.Host, string(c.Kind), c.Username,
		c.Secret.Reveal(), c.SessionToken.Reveal(), c.Refresh.Reveal(), l.Ours, l.Minted, c.Expires})
}

// UnmarshalJSON is the reverse of MarshalJSON.
func (l *Login) UnmarshalJSON(b []byte) error {
	var d onDisk
	if err := json.Unmarshal(b, &d); err != nil {
		return err
	}
	*l = Login{d.Key, d.Endpoint, d.Scope, d.Method, d.From, d.Shown, d.Ours, d.Minted, regpass.Credential{Registry: d.Registry, Host: d.Host,
		Kind: regpass.Kind(d.Kind), Username: d.Username, Secret: regpass.NewSecret(d.Secret),
		SessionToken: regpass.NewSecret(d.SessionToken), Refresh: regpass.NewSecret(d.Refresh), Expires: d.Expires}}
	return nil
}
