package envsync

import (
	"testing"

	"github.com/regpass/regpass"
)

func TestRaw(t *testing.T) {
	one := Entry{Cred: regpass.Credential{Secret: regpass.NewSecret("line 1\nline 2\n")}}
	got, err := setRaw([]byte("an older one"), []Entry{one})
	if err != nil || string(got) != "line 1\nline 2\n" {
		t.Errorf("%q, %v", got, err)
	}
	for _, entries := range [][]Entry{nil, {one, one}, {{}}} {
		if got, err := setRaw(nil, entries); err == nil {
			t.Errorf("%d entries: %q", len(entries), got)
		}
	}
}
