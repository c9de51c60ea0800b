package secret_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

func TestParseUserSecret(t *testing.T) {
	for _, c := range []struct {
		text string
		want secret.User
		err  string
	}{
		{"id=a,src=/x/y", secret.User{ID: "a", Src: "/x/y"}, ""},
		{"id=a,source=rel", secret.User{ID: "a", Src: "rel"}, ""},
		{"ID=a,ENV=B", secret.User{ID: "a", Env: "B"}, ""},
		{"type=file,id=a,src=f", secret.User{ID: "a", Src: "f"}, ""},
		{"type=env,id=a,src=B", secret.User{ID: "a", Env: "B"}, ""},
		{"type=env,id=a,env=B", secret.User{ID: "a", Env: "B"}, ""},
		{"id=a", secret.User{ID: "a"}, ""},
		{"type=env,id=a", secret.User{ID: "a"}, ""},
		{`id=a,"src=with, comma"`, secret.User{ID: "a", Src: "with, comma"}, ""},
		{`id=a,src=k=v`, secret.User{ID: "a", Src: "k=v"}, ""},
		{"", secret.User{}, "not a line"},
		{"src=f", secret.User{}, "no id"},
		{"id=,src=f", secret.User{}, "id is empty"},
		{"id=a b", secret.User{}, "printable ASCII"},
		{"id=é", secret.User{}, "printable ASCII"},
		{"id=a,src=f,env=B", secret.User{}, "only one"},
		{"id=a,type=file,env=B", secret.User{}, "type=file and env"},
		{"id=a,type=vault,src=hunter2", secret.User{}, "neither file nor env"},
		{"id=a,hunter2", secret.User{}, "not key=value"},
		{"id=a,hunter2=x", secret.User{}, "it knows the keys"},
		{"id=a,id=hunter2", secret.User{}, "id is given twice"},
		{"id=a,src=hunter2,source=b", secret.User{}, "src is given twice"},
		{"id=a\nhunter2", secret.User{}, "more than one line"},
		{`id=a,"src=hunter2`, secret.User{}, "not a line of CSV"},
	} {
		got, err := secret.ParseUser(c.text)
		if c.err == "" {
			if err != nil || got != c.want {
				t.Errorf("%q: %+v, %v", c.text, got, err)
			}
			continue
		}
		if !errors.Is(err, regpass.ErrUsage) || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %+v, %v; want %s", c.text, got, err, c.err)
		}
	}
}

// FuzzUserSecret holds that what was read is read the same from its own text.
func FuzzUserSecret(f *testing.F) {
	for _, seed := range []string{"id=a,src=/x", `id=a,"src=a,""b"`, "type=env,id=a,src=B", "id= a", "id=a,src= x", "id=a,src=\\."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := secret.ParseUser(text)
		if err != nil {
			return
		}
		again, err := secret.ParseUser(u.String())
		if err != nil || again != u {
			t.Errorf("%q is %+v, written as %q, which is %+v, %v", text, u, u.String(), again, err)
		}
	})
}
