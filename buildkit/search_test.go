package buildkit

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/builder"
	"github.com/regpass/regpass/buildkit/plan"
	"github.com/regpass/regpass/internal/testenv"
)

func TestArchiveIsSearchedBeforeItIsSent(t *testing.T) {
	broken := errors.New("it breaks off")
	for _, test := range []struct {
		name, packed string
		finds        bool  // the search finds a token
		err          error // the search's
		want         string
		warns        bool
	}{
		{name: "nothing in it"},
		{name: "a token in it", finds: true, want: `context "file a"`},
		{name: "a token in one that is broken", finds: true, err: broken, want: `context "file a"`},
		{name: "a broken one", err: broken, want: "build: context: it breaks off"},
		{name: "packed so that it can't be searched", packed: "BZh9", warns: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var archive bytes.Buffer
			archive.WriteString(test.packed)
			w := tar.NewWriter(&archive)
			if err := errors.Join(w.WriteHeader(&tar.Header{Name: "Dockerfile", Mode: 0o600}), w.Close()); err != nil {
				t.Fatal(err)
			}
			whole := archive.String()
			m := testenv.NewMachine(t)
			env := m.Env()
			env.Stdin = &archive
			p, err := plan.Options{Context: "-"}.Plan(t.Context(), env, builder.Endpoint{})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(p.Opt.FrontendAttrs["context"], "http://buildkit-session/") || len(p.Opt.Session) != 1 {
				t.Errorf("%v", p.Opt.FrontendAttrs)
			}
			if warned := strings.Contains(strings.Join(p.Warnings, ""), "bzip2"); warned != test.warns {
				t.Errorf("warned: %q", p.Warnings)
			}
			if st, err := os.Stat(p.Archive); err != nil || st.Mode().Perm() != 0o600 {
				t.Error(st, err)
			}
			_, err = Search(t.Context(), p, newWatch(), func(_ context.Context, tar io.Reader,
				found func(where, by string, f regpass.Match)) error {
				if text, err := io.ReadAll(tar); err != nil || string(text) != whole {
					t.Errorf("%d bytes are searched, not %d: %v", len(text), len(whole), err)
				}
				if test.finds {
					found("file a", "", regpass.Match{Fingerprint: regpass.NewSecret(live).Fingerprint(), Form: "plain"})
				}
				return test.err
			})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) ||
				test.finds != errors.Is(err, regpass.ErrFound) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if left, err := filepath.Glob(filepath.Join(m.Dir, "regpass-*")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %s %v", left, err)
			}
		})
	}
}

// TestSearchTakesTheFilesThatAreSent holds what is looked at before a build starts: what .dockerignore leaves out is
// not sent, but the Dockerfile always is.
func TestSearchTakesTheFilesThatAreSent(t *testing.T) {
	for _, test := range []struct {
		name, file, ignore string
		dockerfile         string // name of the Dockerfile
		want               string // what a leak is found in, or ""
	}{
		{name: "a file", file: "a/b.txt", want: `context "file a/b.txt"`},
		{name: "an ignored file", file: "a/b.txt", ignore: "a\n"},
		{name: "an ignored Dockerfile", file: "Dockerfile", ignore: "Dockerfile\n", want: `context "file Dockerfile"`},
		{name: "a Dockerfile elsewhere", file: "other/My", dockerfile: "other/My", ignore: "other\n",
			want: `context "file My"`},
		{name: "a file beside a Dockerfile elsewhere", file: "other/b.txt", dockerfile: "other/My", ignore: "other\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := testenv.NewMachine(t)
			m.File("Dockerfile", "FROM scratch\n")
			m.File("other/My", "FROM scratch\n")
			m.File(test.file, "# "+live+"\n")
			m.File(".dockerignore", test.ignore)
			p, err := plan.Options{Context: ".", File: test.dockerfile}.Plan(t.Context(), m.Env(), builder.Endpoint{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = Search(t.Context(), p, newWatch(), nil)
			if test.want == "" && err != nil || test.want != "" && (!errors.Is(err, regpass.ErrFound) ||
				!strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	p := &plan.Plan{Args: map[string]string{"A": live}}
	if _, err := Search(t.Context(), p, newWatch(), nil); !errors.Is(err, regpass.ErrFound) ||
		strings.Contains(err.Error(), live) {
		t.Error(err)
	}
}
