package envsync

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
	Ours     bool   // minted by us, so ours to revoke; not a key or a token that the user had
	Minted   time.Time
	Cred     regpass.Credential
}

// record is one file that was changed in place.
type record struct {
	Path    string
	Format  string
	Keys    []string    // what in the file is ours
	Existed bool        // false: there was no file
	Mode    fs.FileMode // of the file before
	Before  string      // file in the session's folder that holds what it held, if it existed
	Wrote   string      // SHA-256 of what we wrote, or are about to write
	Shared  bool        // others changed it after us: it can't be put back whole
	Temp    string      // the temporary file beside it
	Made    []string    // folders made for it, outermost first
}

// state is what state.json holds.
type state struct {
	Logins  []Login
	Journal []record
}

// onDisk is a Login in JSON: the one place where a credential is written in clear, to a file of mode 0600.
type onDisk struct {
	Key, Endpoint, Scope, Method, From, Registry, Host, Kind, Username string
	Secret, SessionToken, Refresh                                      string `json:",omitempty"`
	Ours                                                               bool
	Minted, Expires                                                    time.Time
}

// MarshalJSON writes the secrets too; only the session's own file is written with it.
func (l Login) MarshalJSON() ([]byte, error) {
	c := l.Cred
	return json.Marshal(onDisk{l.Key, l.Endpoint, l.Scope, l.Method, l.From, c.Registry, c.Host, string(c.Kind), c.Username,
		c.Secret.Reveal(), c.SessionToken.Reveal(), c.Refresh.Reveal(), l.Ours, l.Minted, c.Expires})
}

// UnmarshalJSON is the reverse of MarshalJSON.
func (l *Login) UnmarshalJSON(b []byte) error {
	var d onDisk
	if err := json.Unmarshal(b, &d); err != nil {
		return err
	}
	*l = Login{d.Key, d.Endpoint, d.Scope, d.Method, d.From, d.Ours, d.Minted, regpass.Credential{Registry: d.Registry, Host: d.Host,
		Kind: regpass.Kind(d.Kind), Username: d.Username, Secret: regpass.NewSecret(d.Secret),
		SessionToken: regpass.NewSecret(d.SessionToken), Refresh: regpass.NewSecret(d.Refresh), Expires: d.Expires}}
	return nil
}

const stateName = "state.json"

// load reads the state; a session without one is empty.
func (s *Session) load() (state, error) {
	var st state
	raw, err := os.ReadFile(filepath.Join(s.Dir, stateName))
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil
	}
	if err != nil {
		return st, fmt.Errorf("session: %w", err)
	}
	if err := json.Unmarshal(raw, &st); err != nil {
		return st, regpass.Hintf(fmt.Errorf("session: %s is not what regpass wrote", filepath.Join(s.Dir, stateName)),
			"look at the files it names, then remove the folder %s", s.Dir)
	}
	for _, l := range st.Logins {
		s.env.Mask(l.Cred.Secret, l.Cred.SessionToken, l.Cred.Refresh)
	}
	return st, nil
}

// save replaces the state; call it with the session locked.
func (s *Session) save(st state) error {
	raw, err := json.MarshalIndent(st, "", "\t")
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if err := replace(filepath.Join(s.Dir, stateName), filepath.Join(s.Dir, "state.tmp"), raw, 0o600); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	return nil
}

// replace puts content at path in one step: a reader sees the old file or the new one, never half of one. temp is a
// name in the same folder, removed if anything fails.
func replace(path, temp string, content []byte, mode fs.FileMode) (err error) {
	// What stands at temp is left from a process that was killed. O_EXCL keeps us from following a link there.
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp)
		}
	}()
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// maxFile is the largest file, in bytes, that is changed in place.
const maxFile = 1 << 20

// readFile returns nil and no error for a file that is not there.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return content, nil
}

func sum(content []byte) string {
	h := sha256.Sum256(content)
	return hex.EncodeToString(h[:])
}
