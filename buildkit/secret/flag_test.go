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
		want secret.UserDefined
		err  string
	}{
		{"id=a,src=/x/y", secret.UserDefined{ID: "a", Src: "/x/y"}, ""},
		{"id=a,source=rel", secret.UserDefined{ID: "a", Src: "rel"}, ""},
		{"ID=a,ENV=B", secret.UserDefined{ID: "a", Env: "B"}, ""},
		{"type=file,id=a,src=f", secret.UserDefined{ID: "a", Src: "f"}, ""},
		{"type=env,id=a,src=B", secret.UserDefined{ID: "a", Env: "B"}, ""},
		{"type=env,id=a,env=B", secret.UserDefined{ID: "a", Env: "B"}, ""},
		{"id=a", secret.UserDefined{ID: "a"}, ""},
		{"type=env,id=a", secret.UserDefined{ID: "a"}, ""},
		{`id=a,"src=with, comma"`, secret.UserDefined{ID: "a", Src: "with, comma"}, ""},
		{`id=a,src=k=v`, secret.UserDefined{ID: "a", Src: "k=v"}, ""},
		{"", secret.UserDefined{}, "not a line"},
		{"src=f", secret.UserDefined{}, "no id"},
		{"id=,src=f", secret.UserDefined{}, "id is empty"},
		{"id=a b", secret.UserDefined{}, "printable ASCII"},
		{"id=é", secret.UserDefined{}, "printable ASCII"},
		{"id=a,src=f,env=B", secret.UserDefined{}, "both src and env"},
		{"id=a,type=file,env=B", secret.UserDefined{}, "type=file and env"},
		{"id=a,type=vault,src=hunter2", secret.UserDefined{}, "neither file nor env"},
		{"id=a,hunter2", secret.UserDefined{}, "not key=value"},
		{"id=a,hunter2=x", secret.UserDefined{}, "its keys are"},
		{"id=a,id=hunter2", secret.UserDefined{}, "id is given twice"},
		{"id=a,src=hunter2,source=b", secret.UserDefined{}, "src is given twice"},
		{"id=a\nhunter2", secret.UserDefined{}, "more than one line"},
		{`id=a,"src=hunter2`, secret.UserDefined{}, "not a line of CSV"},
	} {
		got, err := secret.ParseFlag(c.text)
		if c.err == "" {
			if err != nil || got != c.want {
				t.Errorf("%q: %+v, %v", c.text, got, err)
			}
			continue
		}
		if !errors.Is(err, regpass.ErrUsage) || !strings.Contains(err.Error(), c.err) ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %+v, %v; want %s", c.text, got, err, c.err)
		}
	}
}

// FuzzUserSecret holds that what was read is read the same from its own text.
func FuzzUserSecret(f *testing.F) {
	for _, seed := range []string{"id=a,src=/x", `id=a,"src=a,""b"`, "type=env,id=a,src=B", "id= a", "id=a,src= x",
		"id=a,src=\\."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := secret.ParseFlag(text)
		if err != nil {
			return
		}
		again, err := secret.ParseFlag(u.String())
		if err != nil || again != u {
			t.Errorf("%q is %+v, written as %q, which is %+v, %v", text, u, u.String(), again, err)
		}
	})
}
