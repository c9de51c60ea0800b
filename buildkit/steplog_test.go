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

// TestNamesOfStepsMoveNoTerminal: a Dockerfile's text is the name of its step.
func TestNamesOfStepsMoveNoTerminal(t *testing.T) {
	in, out := make(chan *client.SolveStatus, 1), make(chan *client.SolveStatus, 1)
	const text, want = "RUN a \x1b]52;c;eA==\x07", `RUN a \x1b]52;c;eA==\x07`
	in <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: stepA, Name: text, Error: text}},
		Statuses: []*client.VertexStatus{{ID: text, Name: text}},
		Logs:     []*client.VertexLog{said(stepA, 1, "\x1b[2K\x1b[31mx "+text+"\x1b")}}
	close(in)
	newStepLog().note(in, out)
	s := <-out
	if v, x := s.Vertexes[0], s.Statuses[0]; v.Name != want || v.Error != want || x.ID != want || x.Name != want {
		t.Errorf("%+v, %+v", v, x)
	}
	if got := string(s.Logs[0].Data); got != "\x1b[2K\x1b[31mx "+want+`\x1b` {
		t.Errorf("it says %q", got)
	}
}
