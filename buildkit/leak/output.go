package leak

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/moby/buildkit/client"

	"github.com/regpass/regpass"
)

// output redacts and searches one output of one step. A secret may be cut anywhere between two pieces of output.
type output struct {
	redact *regpass.RedactingWriter
	search *regpass.Search
	out    bytes.Buffer // the text that redact passed on last
}

func (w *Watch) outputOf(s stream) *output {
	if o := w.output[s]; o != nil {
		return o
	}
	o := &output{search: w.known.Search(func(f regpass.Match) { w.leaks.add(f, inOutput, w.names[s.step], s.step) })}
	o.redact = w.known.Writer(&o.out)
	w.output[s] = o
	return o
}

// write returns the text that can be shown now. It is data itself if nothing had to be changed, and never shared with
// the next call. A bytes.Buffer and a Search do not fail.
func (o *output) write(data []byte) []byte {
	_, _ = o.search.Write(data)
	o.out.Reset()
	_, _ = o.redact.Write(data)
	if bytes.Equal(o.out.Bytes(), data) {
		return data
	}
	return bytes.Clone(o.out.Bytes())
}

// flush ends the output and returns the text that was held back.
func (o *output) flush() []byte {
	_ = o.search.Flush()
	o.out.Reset()
	_ = o.redact.Flush()
	return o.out.Bytes()
}

// flush ends an output of a completed step and returns the text that was held back.
func (w *Watch) flush(s stream) []*client.VertexLog {
	o := w.output[s]
	if o == nil {
		return nil
	}
	delete(w.output, s)
	if rest := o.flush(); len(rest) > 0 {
		return []*client.VertexLog{{Vertex: s.step, Stream: s.stream, Data: rest}}
	}
	return nil
}

// flushEnded ends the outputs of the completed steps.
func (w *Watch) flushEnded() (logs []*client.VertexLog) {
	for _, step := range w.ended {
		for _, fd := range []int{0, 1, 2} {
			logs = append(logs, w.flush(stream{step, fd})...)
		}
	}
	w.ended = w.ended[:0]
	return logs
}

// flushAll ends all outputs of a build that was cut short.
func (w *Watch) flushAll() (logs []*client.VertexLog) {
	for _, s := range slices.SortedFunc(maps.Keys(w.output), func(a, b stream) int {
		return cmp.Or(cmp.Compare(a.step, b.step), cmp.Compare(a.stream, b.stream))
	}) {
		logs = append(logs, w.flush(s)...)
	}
	return logs
}
