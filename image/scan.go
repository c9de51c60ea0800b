package image

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/regpass/regpass"
)

// scan is one run over an image.
type scan struct {
	ctx    context.Context
	known  *regpass.Redactor
	limits Limits
	bytes  int64
	files  int

	found    []Finding
	blobs    map[string]blob     // what manifests say, by digest or name
	made     map[string][]string // what configs say that each layer was made by, by the config's digest
	madeSize int                 // of all that configs say of it, in bytes
	levels   []*level            // buffers for each depth of nesting
}

// place is where in an image something is read.
type place struct {
	blob  string
	path  string
	depth int // how many archives and compressions are around it
}

// level has what is needed to read one stream, kept for the next one at that depth.
type level struct {
	at     place
	inside int // len(scan.found) when the stream began
	hits   []regpass.Match
	search *regpass.Search
	head   *bufio.Reader
	buf    []byte
}

func newScan(ctx context.Context, known *regpass.Redactor, l Limits) *scan {
	return &scan{ctx: ctx, known: known, blobs: map[string]blob{}, made: map[string][]string{}, limits: Limits{
		Bytes:    cmp.Or(l.Bytes, DefaultLimits.Bytes),
		Files:    cmp.Or(l.Files, DefaultLimits.Files),
		Nesting:  cmp.Or(l.Nesting, DefaultLimits.Nesting),
		Findings: cmp.Or(l.Findings, DefaultLimits.Findings),
	}}
}

// result adds to the findings what the manifests say of their blobs.
func (s *scan) result(err error) ([]Finding, error) {
	for i, f := range s.found {
		b := s.blobs[f.Blob]
		s.found[i].Kind, s.found[i].Layer, s.found[i].By = b.kind, b.layer, s.by(b)
	}
	if err != nil {
		return s.found, fmt.Errorf("image: not all of it was searched: %w", err)
	}
	return s.found, nil
}

// maxPath is how much of a path a finding shows, in bytes.
const maxPath = 1024

// report remembers a finding, each once.
func (s *scan) report(at place, in string, f regpass.Match) {
	path := string(s.known.Redact([]byte(at.path)))
	finding := Finding{
		Blob: string(s.known.Redact([]byte(at.blob))), Path: path[:min(len(path), maxPath)],
		In: in, Fingerprint: f.Fingerprint, Form: f.Form,
	}
	if len(s.found) < s.limits.Findings && !slices.Contains(s.found, finding) {
		s.found = append(s.found, finding)
	}
}

// text searches a short text.
func (s *scan) text(at place, in, text string) {
	for _, f := range s.known.Find([]byte(text)) {
		s.report(at, in, f)
	}
}

// next counts one more file, and reports why the scan is to end.
func (s *scan) next() error {
	s.files++
	switch {
	case s.files > s.limits.Files:
		return fmt.Errorf("%w: %d files", ErrLimit, s.limits.Files)
	case len(s.found) >= s.limits.Findings:
		return fmt.Errorf("%w: %d findings", ErrLimit, s.limits.Findings)
	}
	return context.Cause(s.ctx)
}

// counted counts what is read from r.
type counted struct {
	s *scan
	r io.Reader
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.s.bytes += int64(n)
	if c.s.bytes > c.s.limits.Bytes {
		return n, fmt.Errorf("%w: %d bytes", ErrLimit, c.s.limits.Bytes)
	}
	if over := context.Cause(c.s.ctx); over != nil {
		return n, over
	}
	return n, err
}

// ends reports whether err is one that ends the scan, wherever it comes up.
func (s *scan) ends(err error) bool {
	return errors.Is(err, ErrLimit) || s.ctx.Err() != nil
}
