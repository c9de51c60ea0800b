package e2e

import (
	"bytes"
	"context"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/internal/loopback"
)

// Of two processes of one job that would show its one identity token to two registries, the second does not: the first
// registry has the token, whatever it answers later.
func TestOneIdentityOfTwoProcesses(t *testing.T) {
	var servers loopback.Servers
	t.Cleanup(func() { _ = servers.Stop() })
	asked, answer := make(chan struct{}), make(chan struct{})
	first, err := servers.Start(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-answer
		w.WriteHeader(http.StatusForbidden)
	}))
	if err != nil {
		t.Fatal(err)
	}
	second, err := servers.Start(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the second registry was asked for %s", r.URL.Path)
		w.WriteHeader(http.StatusForbidden)
	}))
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := fake.NewIssuer("RS256")
	if err != nil {
		t.Fatal(err)
	}
	issuer.URL = "https://gitlab.example"
	job := fake.GitLab{Issuer: issuer, IDTokens: map[string]any{"REGPASS_ID_TOKEN": "both"}}
	environ, err := job.Environ()
	if err != nil {
		t.Fatal(err)
	}
	environ = append(environ, "CI_PROJECT_DIR="+t.TempDir(), "HOME="+t.TempDir())
	token := func(ctx context.Context, url string) (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.CommandContext(ctx, "regpass", "token", url+"/simple/acme/main type=pyx audience=both")
		var said bytes.Buffer
		cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = t.TempDir(), slices.Clone(environ), &said, &said
		return cmd, &said
	}

	one, saidOne := token(t.Context(), first)
	if err := one.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	for i := range 2 { // also once the first has been refused
		other, said := token(t.Context(), second)
		if err := other.Run(); err == nil || !strings.Contains(said.String(), "was shown to "+first+" and is not shown to") {
			t.Errorf("the second process: %v\n%s", err, said)
		}
		if i == 0 {
			close(answer)
			if err := one.Wait(); err == nil || !strings.Contains(saidOne.String(), "403") {
				t.Errorf("the first process: %v\n%s", err, saidOne)
			}
		}
	}
}
