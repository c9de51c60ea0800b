package image

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/regpass/regpass"
)

// Sizes in bytes.
const (
	chunkSize  = 128 << 10 // of one read
	headerSize = 512       // of a tar's first header
	// maxWindow is zstd's largest window here. zstd itself needs --ultra --long=31 for a larger one; RFC 8878,
	// 3.1.1.1.2, recommends 8 MiB.
	maxWindow = 128 << 20
)

// isGzip looks for the magic number and deflate (RFC 1952, 2.3.1).
func isGzip(h []byte) bool { return bytes.HasPrefix(h, []byte{0x1f, 0x8b, 8}) }

// isTar looks for the magic of ustar and later formats (POSIX.1, pax, "ustar Interchange Format").
func isTar(h []byte) bool { return len(h) >= 262 && string(h[257:262]) == "ustar" }

// isZstd also takes skippable frames, with which zstd:chunked layers may begin (RFC 8878, 3.1.1 and 3.1.2).
func isZstd(h []byte) bool {
	skippable := len(h) >= 4 && h[0]&0xf0 == 0x50 && string(h[1:4]) == "\x2a\x4d\x18"
	return skippable || bytes.HasPrefix(h, []byte{0x28, 0xb5, 0x2f, 0xfd})
}

func isJSON(h []byte) bool {
	h = bytes.TrimLeft(h, " \t\r\n")
	return len(h) > 0 && (h[0] == '{' || h[0] == '[')
}

// stream searches all of r as it is, and the content of r if it is an archive. A broken archive is an error if it is a
// blob or the scanned file itself, which must be valid; any other file may only look like an archive.
func (s *scan) stream(at location, r io.Reader) error {
	l := s.enter(at)
	tee := io.TeeReader(countingReader{s, r}, l.search)
	l.head.Reset(tee)
	head, err := l.head.Peek(headerSize)
	if err != nil && err != io.EOF {
		return s.leave(l, err)
	}
	inner := s.inside(at, head, l.head)
	if s.ends(inner) {
		return s.leave(l, inner)
	}
	_, err = io.CopyBuffer(io.Discard, struct{ io.Reader }{l.head}, l.buf) // also after the archive's end
	if at.mustBeValid() {
		err = errors.Join(inner, err)
	}
	return s.leave(l, err)
}

// inside searches the content of r if it is an archive.
func (s *scan) inside(at location, head []byte, r io.Reader) error {
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

// mustBeValid reports whether the location is a blob or the scanned file itself.
func (l location) mustBeValid() bool { return l.path == "" }

// enter begins a stream.
func (s *scan) enter(at location) *level {
	for len(s.levels) <= at.depth {
		l := &level{head: bufio.NewReaderSize(nil, chunkSize), buf: make([]byte, chunkSize)}
		l.search = s.known.Search(func(m regpass.Match) {
			if len(l.hits) < s.limits.Findings && !slices.Contains(l.hits, m) {
				l.hits = append(l.hits, m)
			}
		})
		s.levels = append(s.levels, l)
	}
	l := s.levels[at.depth]
	l.at, l.foundBefore, l.hits = at, len(s.found), l.hits[:0]
	return l
}

// leave ends a stream: it adds the secrets found in the stream as it is, less those found more exactly inside of it.
func (s *scan) leave(l *level, err error) error {
	_ = l.search.Flush() // it does not fail
	inner := map[string]bool{}
	for _, f := range s.found[l.foundBefore:] {
		inner[f.Fingerprint] = true
	}
	for _, m := range l.hits {
		if !inner[m.Fingerprint] {
			s.add(l.at, "content", m)
		}
	}
	return err
}

// nested is the location of the content that is compressed at l.
func (l location) nested() location {
	l.depth++
	return l
}

func (s *scan) gzip(at location, r io.Reader) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	return s.stream(at.nested(), z)
}

func (s *scan) zstd(at location, r io.Reader) error {
	z, err := zstd.NewReader(r,
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return err
	}
	defer z.Close()
	return s.stream(at.nested(), z)
}

// tar walks an archive: an image, in which each file is a blob, or a layer. A file of a layer counts however often it
// is replaced or deleted later.
func (s *scan) tar(at location, r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.countFile(); err != nil {
			return err
		}
		file := at.file(h.Name)
		file.depth = at.depth + 1
		s.header(file, h)
		err = s.stream(file, t)
		if err != nil && at.blob == "" && file.blob != "" {
			return fmt.Errorf("%s: %w", regpass.Quote(string(s.known.Redact([]byte(file.blob)))), err)
		}
		if err != nil {
			return err
		}
	}
}

// header searches the header of a file in a tar.
func (s *scan) header(at location, h *tar.Header) {
	s.text(at, "name", h.Name)
	s.text(at, "link", h.Linkname)
	for key, value := range h.PAXRecords {
		if key != "path" && key != "linkpath" {
			s.text(at, "attributes", key+"="+value)
		}
	}
	s.text(at, "attributes", h.Uname+"\x00"+h.Gname)
}
