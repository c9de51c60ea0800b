package fake_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/regpass/regpass/internal/fake"
)

// asked is a fake that a CI's own program asks.
type asked interface {
	http.Handler
	Wrong() []string
}

func TestPrograms(t *testing.T) {
	issuer := listen(t, "ES256")
	buildkite, circle := fake.NewBuildkite(issuer), fake.NewCircleCI(issuer)
	for _, test := range []struct {
		name    string
		server  asked
		environ func(url string) []string
		main    func(ctx context.Context, getenv func(string) string, args []string, stdout io.Writer) error
		args    string // with AUDIENCE
		secret  string // the variable that lets the program in
		wrong   []string
	}{
		{"buildkite-agent", buildkite, buildkite.Environ, fake.BuildkiteAgent,
			"oidc request-token --audience AUDIENCE --lifetime 300",
			"BUILDKITE_AGENT_ACCESS_TOKEN",
			[]string{"oidc request-token", "oidc request-token --audience AUDIENCE --lifetime x",
				"oidc request-token --aud AUDIENCE", "oidc get-token --audience AUDIENCE"}},
		{"circleci", circle, circle.Environ, fake.CircleCIProgram, `run oidc get --root-issuer --claims {"aud":"AUDIENCE"}`,
			"FAKE_CIRCLECI_ACCESS",
			[]string{`run oidc get --claims {"aud":"AUDIENCE"}`, "run oidc get --root-issuer --claims AUDIENCE",
				`run oidc get --root-issuer --claims {"aud":"AUDIENCE"} x`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(test.server)
			defer server.Close()
			vars := variables(test.environ(server.URL))
			run := func(args string) (string, error) {
				var out bytes.Buffer
				err := test.main(t.Context(), func(name string) string { return vars[name] },
					strings.Fields(strings.ReplaceAll(args, "AUDIENCE", "pyx")), &out)
				return strings.TrimSuffix(out.String(), "\n"), err
			}
			token, err := run(test.args)
			if err != nil {
				t.Fatal(err)
			}
			if claims := verify(t, issuer.URL, token); claims["aud"] != "pyx" || claims["exp"] == nil {
				t.Errorf("claims %v", claims)
			}
			for _, args := range test.wrong {
				if out, err := run(args); err == nil || out != "" {
					t.Errorf("%s: printed %d bytes, %v", args, len(out), err)
				}
			}
			if wrong := test.server.Wrong(); len(wrong) > 0 {
				t.Errorf("asked wrongly: %q", wrong)
			}
			vars[test.secret] += "x"
			if out, err := run(test.args); err == nil || out != "" || len(test.server.Wrong()) != 1 {
				t.Errorf("another job's program: printed %d bytes, %v", len(out), err)
			}
		})
	}
}

func TestTokensOfVariables(t *testing.T) {
	issuer := listen(t, "RS256")
	b := fake.Bitbucket{Issuer: issuer, Audiences: []string{"pyx"}}
	environ, err := b.Environ()
	if err != nil {
		t.Fatal(err)
	}
	claims := verify(t, issuer.URL, variables(environ)["BITBUCKET_STEP_OIDC_TOKEN"])
	if aud, ok := claims["aud"].([]any); !ok || len(aud) != 1 || aud[0] != "pyx" {
		t.Errorf("aud = %v, want a list of one", claims["aud"])
	}
	b.Audiences = nil
	if environ, err = b.Environ(); err != nil || variables(environ)["BITBUCKET_STEP_OIDC_TOKEN"] != "" {
		t.Errorf("a step without oidc has a token, or %v", err)
	}
	j := fake.Jenkins{Issuer: issuer, Build: 3}
	token, err := j.IDToken("pyx")
	if err != nil {
		t.Fatal(err)
	}
	if claims := verify(t, issuer.URL, token.Reveal()); claims["aud"] != "pyx" || claims["build_number"] != 3.0 {
		t.Errorf("claims %v", claims)
	}
}
