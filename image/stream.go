package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/regpass/regpass"
)

const (
	chunk     = 128 << 10 // read at once, in bytes
	sniffed   = 512       // a tar's first header
	maxWindow = 128 << 20 // of zstd, in bytes; zstd itself wants --ultra --long=31 for more (RFC 8878, 3.1.1.1.2, recommends 8 MiB)
)

func isGzip(h []byte) bool { return bytes.HasPrefix(h, []byte{0x1f, 0x8b, 8}) } // RFC 1952, 2.3.1

func isTar(h []byte) bool { return len(h) >= 262 && string(h[257:262]) == "ustar" } // POSIX.1, pax, "ustar Interchange Format"

// isZstd also takes skippable frames, with which zstd:chunked layers may begin (RFC 8878, 3.1.1 and 3.1.2).
func isZstd(h []byte) bool {
	return bytes.HasPrefix(h, []byte{0x28, 0xb5, 0x2f, 0xfd}) || len(h) >= 4 && h[0]&0xf0 == 0x50 && string(h[1:4]) == "\x2a\x4d\x18"
}

func isJSON(h []byte) bool {
	h = bytes.TrimLeft(h, " \t\r\n")
	return len(h) > 0 && (h[0] == '{' || h[0] == '[')
}

// stream searches all of r as it is, and what is in it if it is an archive. Anything that is broken is an error in a
// blob and in what is scanned itself, for there it must be whole; other files may only look like an archive.
func (s *scan) stream(at place, r io.Reader) error {
	l := s.enter(at)
	tee := io.TeeReader(counted{s, r}, l.search)
	l.head.Reset(tee)
	head, err := l.head.Peek(sniffed)
	if err != nil && err != io.EOF {
		return s.leave(l, err)
	}
	inner := s.inside(at, head, l.head)
	if s.ends(inner) {
		return s.leave(l, inner)
	}
	_, err = io.CopyBuffer(io.Discard, struct{ io.Reader }{l.head}, l.buf) // what is behind the archive's end, too
	if at.whole() {
		err = errors.Join(inner, err)
	}
	return s.leave(l, err)
}

// inside searches what is in r if it is an archive.
func (s *scan) inside(at place, head []byte, r io.Reader) error {
	if at.depth >= s.limits.Nesting {
		return nil
	}
	switch {
	case isGzip(head):
		return s.gzip(at, r)
	case isZstd(head):
		return s.zstd(at, r)
	case isTar(head):
		return s.tar(at, r)
	case isJSON(head):
		return s.json(at, r)
	}
	return nil
}

// whole reports whether what is there must be well-formed.
func (p place) whole() bool { return p.path == "" }

func (s *scan) enter(at place) *level {
	for len(s.levels) <= at.depth {
		l := &level{head: bufio.NewReaderSize(nil, chunk), buf: make([]byte, chunk)}
		l.search = s.known.Search(func(f regpass.Match) {
			if len(l.hits) < s.limits.Findings {
				l.hits = append(l.hits, f)
			}
		})
		s.levels = append(s.levels, l)
	}
	l := s.levels[at.depth]
	l.at, l.inside, l.hits = at, len(s.found), l.hits[:0]
	return l
}

// leave reports what was found in a stream as it is, unless it was found more exactly in what is in it.
func (s *scan) leave(l *level, err error) error {
	_ = l.search.Flush() // it does not fail
	inner := map[string]bool{}
	for _, f := range s.found[l.inside:] {
		inner[f.Fingerprint] = true
	}
	for _, f := range l.hits {
		if !inner[f.Fingerprint] {
			s.report(l.at, "content", f)
		}
	}
	return err
}

// broken says which blob it is that could not be read.
func (s *scan) broken(at place, err error) error {
	return fmt.Errorf("%s: %w", regpass.Quote(string(s.known.Redact([]byte(at.blob)))), err)
}

// within is a stream inside of the one at p.
func (p place) within() place {
	p.depth++
	return p
}

func (s *scan) gzip(at place, r io.Reader) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	return s.stream(at.within(), z)
}

func (s *scan) zstd(at place, r io.Reader) error {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return err
	}
	defer z.Close()
	return s.stream(at.within(), z)
}

// tar walks an archive: an image, where each file is a blob, or a layer, where a file counts however often it is
// replaced or deleted later.
func (s *scan) tar(at place, r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.next(); err != nil {
			return err
		}
		file := at.file(h.Name)
		file.depth = at.depth + 1
		s.header(file, h)
		if err := s.stream(file, t); err != nil && at.blob == "" && file.blob != "" {
			return s.broken(file, err)
		} else if err != nil {
			return err
		}
	}
}

// header searches what an archive says of a file.
func (s *scan) header(at place, h *tar.Header) {
	s.text(at, "name", h.Name)
	s.text(at, "link", h.Linkname)
	for key, value := range h.PAXRecords {
		if key != "path" && key != "linkpath" {
			s.text(at, "attributes", key+"="+value)
		}
	}
	s.text(at, "attributes", h.Uname+"\x00"+h.Gname)
}
