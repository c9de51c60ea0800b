package secret_test

import (
	"errors"
	"testing"
	"time"

	"github.com/moby/buildkit/session/secrets"

	"github.com/regpass/regpass/buildkit/secret"
)

// BuildKit asks by the host alone, so that a step could have the credential sent to another server there.
func TestFetchesFromElsewhereAreSentNothing(t *testing.T) {
	const file, git = "HTTP_AUTH_TOKEN_pkgs.example", "GIT_AUTH_HEADER.pkgs.example"
	for _, c := range []struct {
		name, id string
		fetched  []string
		sent     bool
	}{
		{"nothing is known yet", file, nil, false},
		{"the registry", file, []string{"https://pkgs.example/a"}, true},
		{"its port in full", file, []string{"https://pkgs.example:443/a"}, true},
		{"and another host", file, []string{"https://pkgs.example/a", "http://other.example/a"}, true},
		{"another port", file, []string{"https://pkgs.example:8443/a"}, false},
		{"plain http", file, []string{"http://pkgs.example/a"}, false},
		{"plain http at another port", file, []string{"http://pkgs.example:8080/a"}, false},
		{"both", file, []string{"https://pkgs.example/a", "http://pkgs.example:8080/a"}, false},
		{"another host only", file, []string{"https://other.example/a"}, false},
		{"no URL", file, []string{"docker-image://pkgs.example/a", "local://context"}, false},
		{"a repository", git, []string{"https://pkgs.example/a.git"}, true},
		{"a repository by plain http", git, []string{"http://pkgs.example/a.git"}, false},
		{"a repository, both", git, []string{"https://pkgs.example/a.git", "http://pkgs.example/a.git"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			now, m := time.Unix(1e9, 0), newMinter(t)
			s, err := secret.NewStore(environment(&now, nil), m, []secret.Source{m.pyx("https://pkgs.example")}, nil, "")
			if err != nil {
				t.Fatal(err)
			}
			s.Fetches(c.fetched)
			got, err := s.GetSecret(t.Context(), c.id)
			if c.sent && (err != nil || len(got) == 0) || !c.sent && !errors.Is(err, secrets.ErrNotFound) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if !c.sent && m.made.Load() > 0 {
				t.Error("a credential was minted")
			}
		})
	}
}
