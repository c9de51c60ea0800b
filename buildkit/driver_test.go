package buildkit

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/client"

	"github.com/regpass/regpass"
)

func TestRegistryAuthMintsForConfiguredHosts(t *testing.T) {
	m := newMachine(t)
	m.file(".docker/config.json", `{"auths":{"other.example":{"auth":"dTpw"}}}`)
	env := m.env()
	var masked []string
	env.Mask = func(all ...regpass.Secret) {
		for _, s := range all {
			if !s.Empty() {
				masked = append(masked, s.Reveal())
			}
		}
	}
	cred := regpass.Credential{Kind: regpass.Basic, Username: "me", Secret: regpass.NewSecret("first")}
	ref, err := regpass.ParseRef("https://reg.example:5000/acme")
	if err != nil {
		t.Fatal(err)
	}
	env.Now = time.Now
	var fails error
	asked := 0
	store, err := NewStore(env, []Source{{Ref: ref, Fresh: func(c regpass.Credential) bool {
		return c.Secret.Fingerprint() == cred.Secret.Fingerprint() && c.Kind == cred.Kind
	},
		Mint: func(context.Context) (regpass.Credential, error) { asked++; return cred, fails }}}, nil, Render{}, StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := store.RegistryAuth()
	if err != nil {
		t.Fatal(err)
	}
	ask := func(host string) types.AuthConfig {
		t.Helper()
		a, err := auth(t.Context(), host, nil, func(time.Time, string) bool { return false })
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := ask("Reg.example:5000"); a.Username != "me" || a.Password != "first" {
		t.Errorf("%+v", a)
	}
	if _, err := store.GetSecret(t.Context(), "reg.example_5000"); err != nil || asked != 1 {
		t.Errorf("a step's secret and the registry's took %d exchanges: %v", asked, err)
	}
	cred.Secret = regpass.NewSecret("second") // the first is not fresh any more
	if a := ask("reg.example:5000"); a.Password != "second" {
		t.Errorf("%+v", a)
	}
	cred = regpass.Credential{Kind: regpass.Bearer, Secret: regpass.NewSecret("token")}
	if a := ask("reg.example:5000"); a != (types.AuthConfig{RegistryToken: "token"}) {
		t.Errorf("%+v", a)
	}
	if a := ask("other.example"); a.Username != "u" || a.Password != "p" {
		t.Errorf("%+v", a)
	}
	if a := ask("reg.example"); a.Username != "" || a.Password != "" || a.RegistryToken != "" {
		t.Errorf("a host with another port got %+v", a)
	}
	if len(masked) != 1 || masked[0] != "p" {
		t.Errorf("masked: %q", masked)
	}
	cred.Kind = regpass.S3
	if _, err := auth(t.Context(), "reg.example:5000", nil, nil); err == nil {
		t.Error("a credential for S3 went to a container registry")
	}
	cred.Secret, fails = regpass.NewSecret("third"), errors.New("the server said: secret things")
	if _, err := auth(t.Context(), "reg.example:5000", nil, nil); err == nil || strings.Contains(err.Error(), "secret things") || !strings.Contains(err.Error(), "reg.example:5000: no credential could be had") {
		t.Errorf("the builder gets to know %v", err)
	}
}

func TestRefusedNamesTheRegistry(t *testing.T) {
	one := []Delivery{{ID: "netrc", Host: "pkgs.example"}, {ID: "own"}}
	two := append(one, Delivery{ID: "netrc", Host: "127.0.0.1:8080"})
	for _, test := range []struct {
		name, words string
		handed      []Delivery
		host, what  string
	}{
		{"RUN uv sync", "error: Failed to fetch: `http://127.0.0.1:8080/simple/x/`\n  Caused by: HTTP status client error (401 Unauthorized) for url (http://127.0.0.1:8080/simple/x/)", two, "127.0.0.1:8080", "HTTP status client error (401"},
		{"RUN pip install", "WARNING: 401 Error, Credentials not correct for https://pkgs.example/simple/x/", two, "pkgs.example", "401 Error"},
		{"RUN pip install", "ERROR: HTTP error 403 while getting https://pkgs.example/x.whl", two, "pkgs.example", "ERROR: HTTP error 403"},
		{"RUN curl https://pkgs.example/", "curl: (22) The requested URL returned error: 401", two, "pkgs.example", "error: 401"},
		{"RUN curl $URL", "curl: (22) The requested URL returned error: 403", one, "pkgs.example", "error: 403"},
		{"RUN curl $URL", "curl: (22) The requested URL returned error: 403", two, "", ""},
		{"RUN curl $URL", "curl: (22) The requested URL returned error: 404", one, "", ""},
		{"RUN test 401", "downloaded 401 files, 403 kB", one, "", ""},
		{"RUN uv sync", "HTTP status client error (401 Unauthorized)", nil, "", ""},
		{"RUN uv sync", "HTTP status client error (401 Unauthorized)", []Delivery{{ID: "own"}}, "", ""},
	} {
		host, what := refused(test.name, test.words, test.handed)
		if host != test.host || host != "" && what != test.what {
			t.Errorf("%s: %s: %q %q, want %q %q", test.name, test.words, host, what, test.host, test.what)
		}
	}
}

func TestStoryKeepsTheLastWordsOfWhatFailed(t *testing.T) {
	in, out := make(chan *client.SolveStatus), make(chan *client.SolveStatus, 10)
	s := newStory()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.note(in, out)
	}()
	now := time.Now()
	long := make([]byte, lastWords)
	for _, status := range []*client.SolveStatus{
		{Vertexes: []*client.Vertex{{Digest: stepA, Name: "a"}, {Digest: stepB, Name: "b"}}},
		{Logs: []*client.VertexLog{said(stepA, 1, "early"), said(stepB, 1, "gone")}},
		{Logs: []*client.VertexLog{{Vertex: stepA, Data: long}, said(stepA, 2, "late")}},
		{Vertexes: []*client.Vertex{{Digest: stepB, Name: "b", Completed: &now}, {Digest: stepA, Name: "a", Completed: &now, Error: "exit code: 1"}}},
	} {
		in <- status
	}
	close(in)
	<-done
	words := s.words[stepA]
	if s.fell != stepA || s.names[stepB] != "b" || len(s.words) != 1 || len(words) != lastWords || string(words[lastWords-4:]) != "late" || len(out) != 4 {
		t.Errorf("%v %v, %d words, %d passed on", s.fell, s.names, len(words), len(out))
	}
}

func TestExplainQuotesAndRedacts(t *testing.T) {
	s := newStory()
	s.names[stepA], s.fell = "[2/2] RUN x\n::error::y", stepA
	b := Build{Watch: newWatch(nil), Handed: func() []Delivery { return nil }, Mode: "quiet"}
	cause := errors.New("failed to solve: " + live + "\n##[error]")
	err := s.explain(b, nil, cause)
	const want = `build: step "[2/2] RUN x\n::error::y": "failed to solve: ***\n##\x5berror]"`
	if err == nil || err.Error() != want || !errors.Is(err, cause) {
		t.Errorf("%v, want %s", err, want)
	}
	if err := s.explain(b, context.Canceled, cause); !errors.Is(err, context.Canceled) || errors.Is(err, cause) {
		t.Error(err)
	}
}

func TestReportTakesNothingAfterItsEnd(t *testing.T) {
	r := newReport()
	got := make(chan int)
	go func() {
		n := 0
		for range r.all {
			n++
		}
		got <- n
	}()
	r.say(&client.SolveStatus{})
	r.close()
	r.say(&client.SolveStatus{})
	if n := <-got; n != 1 {
		t.Errorf("%d", n)
	}
}

func TestResultIsWhatBuildxWrites(t *testing.T) {
	r := Result{"containerimage.digest": "sha256:1", "image.name": "e30=", "containerimage.descriptor": "eyJzaXplIjoxfQ=="}
	if r.ImageID() != "sha256:1" {
		t.Error(r.ImageID())
	}
	r["containerimage.config.digest"] = "sha256:2"
	if r.ImageID() != "sha256:2" {
		t.Error(r.ImageID())
	}
	text, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Digest     string               `json:"containerimage.digest"`
		Name       string               `json:"image.name"`
		Descriptor struct{ Size int64 } `json:"containerimage.descriptor"`
	}
	if err := json.Unmarshal(text, &got); err != nil || got.Digest != "sha256:1" || got.Name != "e30=" || got.Descriptor.Size != 1 {
		t.Errorf("%s %v", text, err)
	}
}
