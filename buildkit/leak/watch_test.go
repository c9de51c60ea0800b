package leak

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/progress/progressui"
	digest "github.com/opencontainers/go-digest"

	"github.com/regpass/regpass"
)

const live = "pyx_live-0123456789abcdef/0123456789abcdef+0123456789abcdef"

var stepA, stepB = digest.FromString("a"), digest.FromString("b")

// tokens holds the token live.
type tokens struct{}

func (tokens) Identify(fingerprint string) (id, host string, ours bool) {
	return "netrc", "acme.test", fingerprint == regpass.NewSecret(live).Fingerprint()
}

// newWatch knows the token live and a password that is no token.
func newWatch(stop context.CancelCauseFunc) *Watch {
	return NewWatch(regpass.NewRedactor(regpass.NewSecret("password"), regpass.NewSecret(live)), tokens{}, stop)
}

func leak(where, what string, step digest.Digest, form string) Leak {
	return Leak{where, what, step, "netrc", "acme.test", regpass.NewSecret(live).Fingerprint(), form, ""}
}

// filter sends all through w and returns what comes out, the outputs of each step joined.
func filter(w *Watch, all ...*client.SolveStatus) (out []*client.SolveStatus, logs map[stream]string) {
	from, to := make(chan *client.SolveStatus), make(chan *client.SolveStatus)
	go w.Filter(context.Background(), from, to)
	go func() {
		defer close(from)
		for _, s := range all {
			from <- s
		}
	}()
	logs = map[stream]string{}
	for s := range to {
		out = append(out, s)
		for _, l := range s.Logs {
			logs[stream{l.Vertex, l.Stream}] += string(l.Data)
		}
	}
	return out, logs
}

func said(step digest.Digest, fd int, text string) *client.VertexLog {
	return &client.VertexLog{Vertex: step, Stream: fd, Data: []byte(text)}
}

func TestWatchOutput(t *testing.T) {
	var told []Leak
	w := newWatch(func(cause error) {
		var found *Error
		if errors.As(cause, &found) {
			told = append(told, found.Leaks...)
		}
	})
	now := time.Now()
	out, logs := filter(w,
		&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: stepA, Name: "RUN a"}}},
		// One token, cut in three; another output of the same step and another step between them.
		&client.SolveStatus{Logs: []*client.VertexLog{said(stepA, 1, "x "+live[:5]), said(stepA, 2, live[5:9]),
			said(stepB, 1, live[:10])}},
		&client.SolveStatus{Logs: []*client.VertexLog{said(stepA, 1, live[5:20])}},
		&client.SolveStatus{Logs: []*client.VertexLog{said(stepA, 1, live[20:]+" y password "+live[:7])},
			Vertexes: []*client.Vertex{{Digest: stepA, Name: "RUN a", Completed: &now}}},
		&client.SolveStatus{Logs: []*client.VertexLog{said(stepA, 1, live[7:]+"\n")}},
	)
	want := map[stream]string{{stepA, 1}: "x *** y *** " + live + "\n", {stepA, 2}: live[5:9], {stepB, 1}: live[:10]}
	if !reflect.DeepEqual(logs, want) {
		t.Errorf("shows %v", logs)
	}
	if leaks := []Leak{leak("output", "RUN a", stepA, "plain")}; !slices.Equal(w.Leaks(), leaks) ||
		!slices.Equal(told, leaks) {
		t.Errorf("leaks %+v, told %+v", w.Leaks(), told)
	}
	for _, s := range out {
		for _, l := range s.Logs {
			if len(l.Data) == 0 {
				t.Error("an empty piece of output is shown")
			}
		}
	}
}

// A builder splits a large batch of progress over several messages, and only the first says that a step completed.
func TestWatchOutputAfterTheEnd(t *testing.T) {
	w := newWatch(nil)
	now := time.Now()
	long := strings.Repeat("x", 1<<20)
	out, logs := filter(w,
		&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: stepA, Name: "RUN a", Completed: &now}},
			Logs: []*client.VertexLog{said(stepA, 1, long), said(stepA, 1, live[:9])}},
		&client.SolveStatus{Logs: []*client.VertexLog{said(stepB, 1, "b")}},
		&client.SolveStatus{Logs: []*client.VertexLog{said(stepA, 1, live[9:]+live[:7])}},
		&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: stepB, Name: "RUN b"}}},
		&client.SolveStatus{},
	)
	if want := (map[stream]string{{stepA, 1}: long + "***" + live[:7], {stepB, 1}: "b"}); !reflect.DeepEqual(logs, want) {
		t.Errorf("shows %.20q…%q", logs[stream{stepA, 1}], strings.TrimLeft(logs[stream{stepA, 1}], "x"))
	}
	if leaks := []Leak{leak("output", "RUN a", stepA, "plain")}; !slices.Equal(w.Leaks(), leaks) {
		t.Errorf("leaks %+v", w.Leaks())
	}
	if rest := out[3].Logs; len(rest) != 1 || string(rest[0].Data) != live[:7] {
		t.Errorf("what was held back is not shown with the next message that names steps: %+v", rest)
	}
}

func TestWatchForms(t *testing.T) {
	var lines strings.Builder
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString([]byte("user:"+live))), 20) {
		lines.WriteString(string(line) + "\n")
	}
	for text, form := range map[string]string{
		fmt.Sprintf("%x", live): "hex",
		base64.StdEncoding.EncodeToString([]byte("__token__:" + live)): "base64",
		lines.String(): "base64",
		strings.NewReplacer("/", "%2F", "+", "%2B").Replace(live): "URL-encoded",
	} {
		w := newWatch(nil)
		filter(w, &client.SolveStatus{Logs: []*client.VertexLog{said(stepA, 1, text)}})
		if want := []Leak{leak("output", string(stepA), stepA, form)}; !slices.Equal(w.Leaks(), want) {
			t.Errorf("%q leaks %+v", text, w.Leaks())
		}
	}
}

func TestWatchAllTexts(t *testing.T) {
	w := newWatch(nil)
	text := "<" + live + ">"
	out, _ := filter(w, &client.SolveStatus{
		Vertexes: []*client.Vertex{{Digest: stepA, Name: text, Error: text, ProgressGroup: &pb.ProgressGroup{Name: text}}},
		Statuses: []*client.VertexStatus{{Vertex: stepA, ID: text, Name: text}},
		Warnings: []*client.VertexWarning{{Vertex: stepA, Short: []byte(text), Detail: [][]byte{[]byte(text)}, URL: text,
			SourceInfo: &pb.SourceInfo{Data: []byte(text)}}},
	})
	v, s, x := out[0].Vertexes[0], out[0].Statuses[0], out[0].Warnings[0]
	for _, got := range []string{v.Name, v.Error, v.ProgressGroup.Name, s.ID, s.Name, string(x.Short), string(x.Detail[0]),
		x.URL, string(x.SourceInfo.Data)} {
		if got != "<***>" {
			t.Errorf("shows %s", got)
		}
	}
	var where []string
	for _, l := range w.Leaks() {
		if l.Name != "<***>" || l.Step != stepA {
			t.Errorf("leak %+v", l)
		}
		where = append(where, l.Where)
	}
	if want := []string{"name", "error", "progress", "warning"}; !slices.Equal(where, want) {
		t.Errorf("leaks in %q", where)
	}
}

func TestWatchWithoutReader(t *testing.T) {
	w := newWatch(nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	from := make(chan *client.SolveStatus, 3)
	from <- &client.SolveStatus{Logs: []*client.VertexLog{said(stepA, 1, "a")}}
	from <- &client.SolveStatus{Logs: []*client.VertexLog{said(stepA, 1, live)}}
	close(from)
	w.Filter(ctx, from, make(chan *client.SolveStatus))
	if len(w.Leaks()) != 1 {
		t.Errorf("leaks %v", w.Leaks())
	}
}

func TestLeaks(t *testing.T) {
	w := newWatch(nil)
	if err := w.Err(); err != nil {
		t.Error(err)
	}
	for i := range 2 * maxLeaks {
		f := regpass.Match{Fingerprint: regpass.NewSecret(live).Fingerprint(), Form: "plain"}
		w.leaks.add(f, inOutput, fmt.Sprintf("RUN %d\n::x", i), stepA)
	}
	err := w.Err()
	var found *Error
	if !errors.Is(err, regpass.ErrFound) || !errors.As(err, &found) || len(found.Leaks) != maxLeaks {
		t.Errorf("is %v", err)
	}
	if want := `build: the token for acme.test (netrc, fingerprint ` + regpass.NewSecret(live).Fingerprint() +
		`) is in the output of step "RUN 0\n::x" (plain); the token`; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("says %.200s", err)
	}
	other := Leak{Where: inArgument, Name: "build argument X", Fingerprint: "ff", Form: "hex"}
	if got := other.String(); got != `the secret ff is in the argument "build argument X" (hex)` {
		t.Error(got)
	}
}

// BenchmarkWatch shows a step's output as `--progress plain` does, with and without a Watch, which works beside it.
func BenchmarkWatch(b *testing.B) {
	data := []byte(strings.Repeat(strings.Repeat("compiling something ", 4)[:79]+"\n", 400))
	b.Run("watch", func(b *testing.B) {
		w := newWatch(nil)
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			w.status(&client.SolveStatus{Logs: []*client.VertexLog{{Vertex: stepA, Stream: 1, Data: data}}})
		}
	})
	for _, c := range []struct {
		name    string
		watched bool
	}{{"display", false}, {"watch and display", true}} {
		b.Run(c.name, func(b *testing.B) {
			display, err := progressui.NewDisplay(io.Discard, progressui.PlainMode)
			if err != nil {
				b.Fatal(err)
			}
			from := make(chan *client.SolveStatus, 8)
			to := from
			if c.watched {
				to = make(chan *client.SolveStatus, 8)
				go newWatch(nil).Filter(b.Context(), from, to)
			}
			done := make(chan error, 1)
			go func() {
				_, err := display.UpdateFrom(b.Context(), to)
				done <- err
			}()
			now := time.Now()
			from <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: stepA, Name: "RUN make", Started: &now}}}
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				from <- &client.SolveStatus{Logs: []*client.VertexLog{{Vertex: stepA, Stream: 1, Data: data, Timestamp: now}}}
			}
			close(from)
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		})
	}
}
