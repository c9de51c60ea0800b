package buildkit

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/errdefs"

	"github.com/regpass/regpass/buildkit/leak"
	"github.com/regpass/regpass/buildkit/secret"

	digest "github.com/opencontainers/go-digest"

	"github.com/regpass/regpass"
)

// lastWords is how much of a step's output is kept to explain its failure, in bytes.
const lastWords = 16 << 10

// story remembers what the steps of a build are called and said last, already redacted.
type story struct {
	names map[digest.Digest]string
	words map[digest.Digest][]byte
	fell  digest.Digest   // the first that failed, for builders that do not say so in their error
	began time.Time       // when the first began, by the builder's clock; zero: none did
	made  map[string]bool // names of those that were brought to their end
}

func newStory() *story {
	return &story{names: map[digest.Digest]string{}, words: map[digest.Digest][]byte{}, made: map[string]bool{}}
}

// note passes on all of in, and closes out at its end.
func (t *story) note(in <-chan *client.SolveStatus, out chan<- *client.SolveStatus) {
	defer close(out)
	for s := range in {
		for _, v := range s.Vertexes {
			t.names[v.Digest] = v.Name
			if v.Started != nil && (t.began.IsZero() || v.Started.Before(t.began)) {
				t.began = *v.Started
			}
		}
		for _, l := range s.Logs {
			w := t.words[l.Vertex]
			if len(l.Data) >= lastWords {
				w = w[:0]
			}
			w = append(w, l.Data[max(0, len(l.Data)-lastWords):]...)
			t.words[l.Vertex] = w[max(0, len(w)-lastWords):]
		}
		for _, v := range s.Vertexes {
			switch {
			case v.Completed != nil && v.Error == "":
				delete(t.words, v.Digest)
				t.made[v.Name] = true
			case v.Error != "" && t.fell == "":
				t.fell = v.Digest
			}
		}
		out <- s
	}
}

// explain makes an error of how a build ended: which step failed, in words that can be shown, and what to do where it
// was a registry that refused a credential. t must not be in use any more.
func (t *story) explain(b Build, cause, err error) error {
	step := t.fell
	var failed *errdefs.VertexError
	switch {
	case cause != nil:
		return cause
	case errors.Is(err, regpass.ErrUsage):
		return err
	case errors.As(err, &failed):
		step = digest.Digest(failed.Digest)
	}
	if _, known := t.names[step]; !known {
		return fmt.Errorf("build: %w", redacted{b.Watch, err})
	}
	b.excerpt(err)
	name := regpass.Quote(t.names[step])
	if host, what := refused(t.names[step], string(t.words[step]), b.Handed()); host != "" {
		return regpass.Hintf(fmt.Errorf("build: step %s: %s refused the credential (%s): %w", name, host, regpass.Quote(what), redacted{b.Watch, err}),
			"the registry may not let this identity read what the step asks for: `regpass status` shows it. A step keeps the credential that it was given: if it ran for longer than the registry's tokens live, split it")
	}
	if host, what, hint := barred(t.names[step], err.Error(), b.Handed()); host != "" {
		return regpass.Hintf(fmt.Errorf("build: step %s: %s did not let the builder in (%s): %w", name, host, regpass.Quote(what), redacted{b.Watch, err}), "%s", hint)
	}
	err = fmt.Errorf("build: step %s: %w", name, redacted{b.Watch, err})
	return ungiven(unsaid(err, string(t.words[step]), b.Handed()), err.Error())
}

// excerpt shows the lines of the Dockerfile that the failed step is in.
func (b Build) excerpt(err error) {
	if b.Mode == "quiet" || b.Mode == "rawjson" {
		return
	}
	var lines strings.Builder
	for _, source := range errdefs.Sources(err) {
		_ = source.Print(&lines) // a strings.Builder does not fail
	}
	_, _ = io.WriteString(b.Out, b.Watch.Redact(lines.String()))
}

// redacted is an error of the builder's without secrets, quoted.
type redacted struct {
	watch *leak.Watch
	error
}

func (r redacted) Error() string { return regpass.Quote(r.watch.Redact(r.error.Error())) }
func (r redacted) Unwrap() error { return r.error }

// refusals matches what package clients print when a server does not take a credential.
var refusals = regpass.Pattern(`(?i)\b(?:http|status|error|code)\b[^0-9\n]{0,30}40[13]\b|\b40[13] (?:client )?error|\b(?:40[13] )?(?:unauthorized|forbidden)\b|` +
	`\bauthentication (?:failed|required)\b|\bcredentials (?:not correct|were rejected)\b`)

// refused says which of the registries whose credentials were handed out refused one, by the last words of a step: one
// that is named there or in the step, or the only one there is.
func refused(name, words string, handed []secret.Delivery) (host, what string) {
	what = refusals().FindString(words)
	if what == "" {
		return "", ""
	}
	var hosts []string
	for _, d := range handed {
		if d.Host != "" && !slices.Contains(hosts, d.Host) {
			hosts = append(hosts, d.Host)
		}
	}
	named := slices.IndexFunc(hosts, func(h string) bool { return strings.Contains(words+name, h) })
	switch {
	case named >= 0:
		return hosts[named], what
	case len(hosts) == 1:
		return hosts[0], what
	}
	return "", ""
}
