package identity_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/fake"
)

// system is a CI system whose own program is asked for a token.
type system struct {
	name, program string
	server        interface {
		http.Handler
		Wrong() []string
		Asked() []string
		Instead(...http.HandlerFunc)
	}
	environ func(url string) []string
	main    func(ctx context.Context, getenv func(string) string, args []string, stdout io.Writer) error
	shown   string
}

func programs(t *testing.T) []system {
	buildkite, circle := fake.NewBuildkite(issuer(t)), fake.NewCircleCI(issuer(t))
	return []system{
		{"buildkite", "buildkite-agent", buildkite, buildkite.Environ, fake.BuildkiteAgent,
			`organization_slug="acme" pipeline_slug="app" build_branch="main" step_key="build"`},
		{"circleci", "circleci", circle, circle.Environ, fake.CircleCIProgram,
			`oidc.circleci.com/vcs-origin="github.com/acme/app" oidc.circleci.com/vcs-ref="refs/heads/main"`},
	}
}

// job makes the surroundings of a job, with the program on the PATH.
func (c system) job(t *testing.T) (*regpass.Env, *[]string) {
	t.Helper()
	server := httptest.NewServer(c.server)
	t.Cleanup(server.Close)
	env, masked := surroundings(variables(c.environ(server.URL)))
	env.Run = func(ctx context.Context, extra []string, name string, args ...string) ([]byte, error) {
		if name != c.program || len(extra) > 0 {
			t.Errorf("ran %s with %q", name, extra)
		}
		var out bytes.Buffer
		if err := c.main(ctx, env.Getenv, args, &out); err != nil {
			return out.Bytes(), exit(1)
		}
		return out.Bytes(), nil
	}
	return env, masked
}

func TestProgram(t *testing.T) {
	for _, c := range programs(t) {
		t.Run(c.name, func(t *testing.T) {
			env, masked := c.job(t)
			p, ok := identity.Detect(env, "pyx")
			if !ok || p.Name != c.name || p.Reusable {
				t.Fatalf("detected %q, %v", p.Name, p.Reusable)
			}
			one, err := p.Get(t.Context(), env, "pyx")
			if err != nil {
				t.Fatal(err)
			}
			other, err := p.Get(t.Context(), env, `a"b`)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(one.Claims.Audience, []string{"pyx"}) || !slices.Equal(other.Claims.Audience, []string{`a"b`}) {
				t.Errorf("for %q and %q", one.Claims.Audience, other.Claims.Audience)
			}
			if want := []string{one.Token.Reveal(), other.Token.Reveal()}; !slices.Equal(*masked, want) {
				t.Errorf("masked %d, want both tokens", len(*masked))
			}
			if s := one.Claims.Show(one.PolicyClaims); !strings.Contains(s, c.shown) {
				t.Errorf("claims %s, want %s", s, c.shown)
			}
			if wrong := c.server.Wrong(); len(wrong) > 0 {
				t.Errorf("asked wrongly: %q", wrong)
			}
		})
	}
}

func TestProgramBroken(t *testing.T) {
	for _, c := range programs(t) {
		t.Run(c.name, func(t *testing.T) {
			env, _ := c.job(t)
			c.server.Instead(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) })
			_, err := get(t, c.name, env)
			wants(t, err, regpass.ErrNoIdentity, "identity: "+c.name+": run `"+c.program,
				"this command must print a token:\n"+c.program)
			if err != nil && !strings.HasSuffix(err.Error(), "it ended with exit code 1") {
				t.Error(err)
			}

			env.Run = func(context.Context, []string, string, ...string) ([]byte, error) { return nil, exec.ErrNotFound }
			_, err = get(t, c.name, env)
			wants(t, err, regpass.ErrNoIdentity, c.program+" did not start", c.program)

			env.Run = func(context.Context, []string, string, ...string) ([]byte, error) { return []byte("usage: …"), nil }
			_, err = get(t, c.name, env)
			wants(t, err, regpass.ErrNoIdentity, "the token holds the byte", c.program)
		})
	}
}

// Outside of its jobs the program is not run, whatever it would say.
func TestProgramNotHere(t *testing.T) {
	for _, c := range programs(t) {
		env, _ := surroundings(nil)
		if p, ok := identity.Detect(env, "pyx"); ok {
			t.Errorf("detected %s", p.Name)
		}
		_, err := get(t, c.name, env)
		wants(t, err, regpass.ErrNoIdentity, "this is not a job of "+map[string]string{"buildkite": "Buildkite",
			"circleci": "CircleCI"}[c.name], "in a container")
		if asked := c.server.Asked(); len(asked) > 0 {
			t.Errorf("asked %q", asked)
		}
	}
}
