package envsync

import (
	"errors"
	"testing"

	"github.com/regpass/regpass"
)

// TestCheckShared has a format that keeps what is not empty under the host without its port.
func TestCheckShared(t *testing.T) {
	f := Format{
		Set: func(_ []byte, entries []Entry) ([]byte, error) {
			if entries[0].Cred.Username == "" {
				return nil, errors.New("it has no user name")
			}
			return nil, nil
		},
		Keys: func(entries []Entry) []string {
			host, _ := entries[0].Host()
			return []string{host}
		},
	}
	entry := func(host, user, secret string) Entry {
		return Entry{Cred: regpass.Credential{Host: host, Kind: regpass.Basic, Username: user,
			Secret: regpass.NewSecret(secret)}}
	}
	one := entry("h.test", "u", "1")
	for _, tt := range []struct {
		other  Entry
		shared bool
	}{
		{one, false},
		{entry("h.test", "u", "2"), true},
		{entry("h.test", "v", "1"), true},
		{entry("h.test:8443", "u", "2"), true},
		{entry("h.test:8443", "u", "1"), false},
		{entry("other.test", "u", "2"), false},
		{entry("h.test", "", "2"), false}, // it is not in the file
	} {
		err := f.CheckShared(one, []Entry{one, tt.other})
		if errors.Is(err, ErrShared) != tt.shared || (err != nil) != tt.shared {
			t.Errorf("%s as %s: %v", tt.other.Cred.Host, tt.other.Cred.Username, err)
		}
	}
	if err := (Format{}).CheckShared(one, []Entry{entry("h.test", "u", "2")}); err != nil {
		t.Error(err)
	}
}
