package buildkit

import (
	"testing"
	"time"

	"github.com/moby/buildkit/client"
)

func TestStepLogKeepsTheTailOfWhatFailed(t *testing.T) {
	in, out := make(chan *client.SolveStatus), make(chan *client.SolveStatus, 10)
	s := newStepLog()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.note(in, out)
	}()
	now := time.Now()
	long := make([]byte, maxTail)
	for _, status := range []*client.SolveStatus{
		{Vertexes: []*client.Vertex{{Digest: stepA, Name: "a"}, {Digest: stepB, Name: "b"}}},
		{Logs: []*client.VertexLog{said(stepA, 1, "early"), said(stepB, 1, "gone")}},
		{Logs: []*client.VertexLog{{Vertex: stepA, Data: long}, said(stepA, 2, "late")}},
		{Vertexes: []*client.Vertex{{Digest: stepB, Name: "b", Completed: &now},
			{Digest: stepA, Name: "a", Completed: &now, Error: "exit code: 1"}}},
	} {
		in <- status
	}
	close(in)
	<-done
	words := s.tails[stepA]
	if s.failed != stepA || s.names[stepB] != "b" || len(s.tails) != 1 || len(words) != maxTail ||
		string(words[maxTail-4:]) != "late" || len(out) != 4 {
		t.Errorf("%v %v, %d words, %d passed on", s.failed, s.names, len(words), len(out))
	}
}
