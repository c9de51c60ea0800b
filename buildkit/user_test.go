package buildkit_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit"
)

func TestParseUserSecret(t *testing.T) {
	for _, c := range []struct {
		text string
		want buildkit.UserSecret
		err  string
	}{
		{"id=a,src=/x/y", buildkit.UserSecret{ID: "a", Src: "/x/y"}, ""},
		{"id=a,source=rel", buildkit.UserSecret{ID: "a", Src: "rel"}, ""},
		{"ID=a,ENV=B", buildkit.UserSecret{ID: "a", Env: "B"}, ""},
		{"type=file,id=a,src=f", buildkit.UserSecret{ID: "a", Src: "f"}, ""},
		{"type=env,id=a,src=B", buildkit.UserSecret{ID: "a", Env: "B"}, ""},
		{"type=env,id=a,env=B", buildkit.UserSecret{ID: "a", Env: "B"}, ""},
		{"id=a", buildkit.UserSecret{ID: "a"}, ""},
		{"type=env,id=a", buildkit.UserSecret{ID: "a"}, ""},
		{`id=a,"src=with, comma"`, buildkit.UserSecret{ID: "a", Src: "with, comma"}, ""},
		{`id=a,src=k=v`, buildkit.UserSecret{ID: "a", Src: "k=v"}, ""},
		{"", buildkit.UserSecret{}, "not a line"},
		{"src=f", buildkit.UserSecret{}, "no id"},
		{"id=,src=f", buildkit.UserSecret{}, "id is empty"},
		{"id=a b", buildkit.UserSecret{}, "printable ASCII"},
		{"id=é", buildkit.UserSecret{}, "printable ASCII"},
		{"id=a,src=f,env=B", buildkit.UserSecret{}, "only one"},
		{"id=a,type=file,env=B", buildkit.UserSecret{}, "type=file and env"},
		{"id=a,type=vault,src=hunter2", buildkit.UserSecret{}, "neither file nor env"},
		{"id=a,hunter2", buildkit.UserSecret{}, "not key=value"},
		{"id=a,hunter2=x", buildkit.UserSecret{}, "it knows the keys"},
		{"id=a,id=hunter2", buildkit.UserSecret{}, "id is given twice"},
		{"id=a,src=hunter2,source=b", buildkit.UserSecret{}, "src is given twice"},
		{"id=a\nhunter2", buildkit.UserSecret{}, "more than one line"},
		{`id=a,"src=hunter2`, buildkit.UserSecret{}, "not a line of CSV"},
	} {
		got, err := buildkit.ParseUserSecret(c.text)
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
		u, err := buildkit.ParseUserSecret(text)
		if err != nil {
			return
		}
		again, err := buildkit.ParseUserSecret(u.String())
		if err != nil || again != u {
			t.Errorf("%q is %+v, written as %q, which is %+v, %v", text, u, u.String(), again, err)
		}
	})
}
