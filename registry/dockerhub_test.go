package registry_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

const (
	dockerHubImage = "https://registry-1.docker.io/acme/app " + dockerHubSetup
	dockerHubSetup = "username=acme connection=0f8fad5b-d9cb-469f-a165-70867728950e"
)

func TestDockerHub(t *testing.T) {
	for name, test := range map[string]struct {
		ref   string
		vars  map[string]string
		hosts []string
		life  time.Duration
	}{
		"options": {ref: dockerHubImage, life: time.Hour,
			hosts: []string{"registry-1.docker.io", "docker.io", "index.docker.io"}},
		"variables": {ref: "docker.io", life: 5 * time.Minute, vars: map[string]string{"DOCKERHUB_USERNAME": "acme",
			"DOCKERHUB_OIDC_CONNECTIONID": "0f8fad5b-d9cb-469f-a165-70867728950e", "DOCKERHUB_OIDC_EXPIREIN": "300"},
			hosts: []string{"docker.io", "registry-1.docker.io", "index.docker.io"}},
		"hardened": {ref: "https://dhi.io/python " + dockerHubSetup + " duration=21600", life: 6 * time.Hour,
			hosts: []string{"dhi.io"}},
	} {
		t.Run(name, func(t *testing.T) {
			server, j := fake.NewDockerHub(now), &job{t: t}
			w := newFixture(server)
			for k, v := range test.vars {
				w.vars[k] = v
			}
			cred, err := w.exchange(t.Context(), ref(t, test.ref), j.proof())
			if err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if cred.Registry != "dockerhub" || cred.Kind != regpass.Basic || cred.Username != "acme" ||
				!slices.Equal(append([]string{cred.Host}, cred.MoreHosts...), test.hosts) ||
				!cred.Expires.Equal(now().Add(test.life)) || !cred.RenewAt.Equal(now().Add(test.life/2)) {
				t.Errorf("got %+v", cred)
			}
			if !slices.Equal(w.asked, []string{"POST https://identity.docker.com/oauth/token"}) || len(server.Wrong()) > 0 {
				t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
			}
		})
	}
}

// TestDockerHubWaits fails if an answer that asks to wait ends the exchange, or if an identity is shown twice.
func TestDockerHubWaits(t *testing.T) {
	server, j := fake.NewDockerHub(now), &job{t: t}
	server.Instead(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	w := newFixture(server)
	_, err := w.exchange(t.Context(), ref(t, dockerHubImage), j.proof())
	if err != nil || !slices.Equal(w.waits, []time.Duration{7 * time.Second}) || len(j.tokens) != 2 {
		t.Errorf("%v, waited %v, %d identities", err, w.waits, len(j.tokens))
	}
}

func TestDockerHubKey(t *testing.T) {
	w := newFixture(http.NotFoundHandler())
	w.vars["DOCKERHUB_USERNAME"], w.vars["DOCKERHUB_TOKEN"] = "acme", "dckr_pat_0123456789"
	target, err := registry.Open(w.Env, ref(t, "https://docker.io/acme/app"))
	if err != nil {
		t.Fatal(said(err))
	}
	p, _ := proofOf(t, w, target)
	cred, err := target.Exchange(t.Context(), w.Env, p)
	if err != nil || p.From != "DOCKERHUB_TOKEN" || cred.Kind != regpass.Basic || cred.Username != "acme" ||
		len(w.asked) > 0 {
		t.Errorf("%+v, %v, asked %q", cred, err, w.asked)
	}
}

func TestDockerHubRefusals(t *testing.T) {
	server, j := fake.NewDockerHub(now), &job{t: t}
	server.Subject = "repo:acme/other:*"
	_, err := newFixture(server).exchange(t.Context(), ref(t, dockerHubImage), j.proof())
	mustSay(t, err, "dockerhub: exchange the CI identity: POST", "401", "no ruleset of the OIDC connection matches",
		`sub="repo:acme/app:ref:refs/heads/main"`, "`regpass trust https://registry-1.docker.io/acme/app")
	mustHide(t, err, j.tokens...)
	for option, says := range map[string]string{
		"connection=x":                   "no UUID",
		dockerHubSetup + " duration=299": "300 to 21600",
		"username=a:b":                   "no user or organization",
		dockerHubSetup + " duration=1h":  "300 to 21600",
	} {
		_, err := registry.Open(newFixture(nil).Env, ref(t, "https://docker.io/acme/app "+option))
		mustSay(t, err, says)
	}
}

func dockerHubWays(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	j := &job{t: t}
	return []way{{name: "dockerhub", ref: dockerHubImage, run: by(j.proof()), broken: []string{`{"access_token":%s}`},
		end:    `{"access_token":"at-0123456789abcdef","expires_in":%s}`,
		server: func() http.Handler { return fake.NewDockerHub(now) }, sent: func() []string { return j.tokens }}}
}
