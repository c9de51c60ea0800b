package buildkit

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/regpass/regpass/buildkit/secret"
)

func TestRefusedNamesTheRegistry(t *testing.T) {
	one := []secret.Delivery{{ID: "netrc", Host: "pkgs.example"}, {ID: "own"}}
	two := append(one, secret.Delivery{ID: "netrc", Host: "127.0.0.1:8080"})
	for _, test := range []struct {
		name, words string
		handed      []secret.Delivery
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
		{"RUN uv sync", "HTTP status client error (401 Unauthorized)", []secret.Delivery{{ID: "own"}}, "", ""},
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
	b := Build{Watch: newWatch(), Handed: func() []secret.Delivery { return nil }, Mode: "quiet"}
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
