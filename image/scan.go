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

	found       []Finding
	blobs       map[string]blob     // descriptions in manifests, by digest or name
	history     map[string][]string // commands that created the layers, in order, by the digest of the image's config
	historySize int                 // of all commands, in bytes
	levels      []*level            // one for each depth of nesting
}

// location is a spot in an image.
type location struct {
	blob  string
	path  string
	depth int // number of archives and compressions around it
}

// level has the buffers to read one stream. They are kept for the next stream at that depth.
type level struct {
	at          location
	foundBefore int // len(scan.found) when the stream began
	hits        []regpass.Match
	search      *regpass.Search
	head        *bufio.Reader
	buf         []byte
}

func newScan(ctx context.Context, known *regpass.Redactor, l Limits) *scan {
	limits := Limits{
		Bytes:    cmp.Or(l.Bytes, DefaultLimits.Bytes),
		Files:    cmp.Or(l.Files, DefaultLimits.Files),
		Nesting:  cmp.Or(l.Nesting, DefaultLimits.Nesting),
		Findings: cmp.Or(l.Findings, DefaultLimits.Findings),
	}
	return &scan{ctx: ctx, known: known, limits: limits, blobs: map[string]blob{}, history: map[string][]string{}}
}

// result adds to the findings the descriptions of their blobs.
func (s *scan) result(err error) ([]Finding, error) {
	for i, f := range s.found {
		b := s.blobs[f.Blob]
		s.found[i].Kind, s.found[i].Layer, s.found[i].By = b.kind, b.layer, s.createdBy(b)
	}
	if err != nil {
		return s.found, fmt.Errorf("image: not all of it was searched: %w", err)
	}
	return s.found, nil
}

// maxPath is how much of a path a finding shows, in bytes.
const maxPath = 1024

// add remembers a finding, each once.
func (s *scan) add(at location, in string, m regpass.Match) {
	path := string(s.known.Redact([]byte(at.path)))
	finding := Finding{
		Blob: string(s.known.Redact([]byte(at.blob))), Path: path[:min(len(path), maxPath)],
		In: in, Fingerprint: m.Fingerprint, Form: m.Form,
	}
	if len(s.found) < s.limits.Findings && !slices.Contains(s.found, finding) {
		s.found = append(s.found, finding)
	}
}

// text searches a short text.
func (s *scan) text(at location, in, text string) {
	for _, m := range s.known.Find([]byte(text)) {
		s.add(at, in, m)
	}
}

// countFile counts one more file. An error ends the scan.
func (s *scan) countFile() error {
	s.files++
	switch {
	case s.files > s.limits.Files:
		return fmt.Errorf("%w: %d files", ErrLimit, s.limits.Files)
	case len(s.found) >= s.limits.Findings:
		return fmt.Errorf("%w: %d findings", ErrLimit, s.limits.Findings)
	}
	return context.Cause(s.ctx)
}

// countingReader counts the bytes that are read from r.
type countingReader struct {
	s *scan
	r io.Reader
}

func (c countingReader) Read(p []byte) (int, error) {
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

// ends reports whether err ends the scan, wherever it comes up.
func (s *scan) ends(err error) bool {
	return errors.Is(err, ErrLimit) || s.ctx.Err() != nil
}
