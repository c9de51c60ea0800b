// Package image searches container images for known secrets: every blob of an image, every layer, every file that a
// layer ever held. An image may have been made to mislead it.
package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/regpass/regpass"
)

// Finding is a secret that stands where none may. It never holds the value. Names are redacted and cut short, but come
// from the image: quote them.
type Finding struct {
	// Blob is the digest of the blob, "sha256:…", or the name of a layer's tar in an image of Docker's; "" for a file
	// of another archive.
	Blob        string
	Kind        string // of the blob: "layer", "config", "manifest", "index", "attestation"; "" if no manifest says
	Layer       int    // number of the layer, from 1; 0: it is no layer of any manifest
	Path        string // of the file, with ! between an archive and a file in it; "" for the blob itself
	In          string // "content", "name", "link", "attributes" of the file, or "base64" in its JSON
	Fingerprint string // of the secret
	Form        string // as in regpass.Match
	By          string // command that created the layer, by the image's history; or ""
}

// String is one line, the names in it quoted.
func (f Finding) String() string {
	location := ""
	switch {
	case f.Layer > 0:
		location = fmt.Sprintf("layer %d (%s): ", f.Layer, regpass.Quote(f.Blob))
	case f.Blob != "":
		location = fmt.Sprintf("%s %s: ", cmp.Or(f.Kind, "blob"), regpass.Quote(f.Blob))
	}
	if f.Path != "" {
		location += regpass.Quote(f.Path) + ": "
	}
	return fmt.Sprintf("%ssecret %s in its %s (%s)", location, f.Fingerprint, f.In, f.Form)
}

// Limits end a scan that would otherwise never end. A field that is zero has the value of DefaultLimits.
type Limits struct {
	Bytes    int64 // read in all; each byte counts again in each archive around it
	Files    int   // in all
	Nesting  int   // archives and compressed files in each other; deeper ones are searched as they are
	Findings int   // the scan ends when there are as many
}

// DefaultLimits are generous for an image of any use.
var DefaultLimits = Limits{Bytes: 256 << 30, Files: 20_000_000, Nesting: 8, Findings: 1000}

// ErrLimit is the error of a scan that was ended by one of its limits.
var ErrLimit = errors.New("a limit was reached")

// Read looks for the known secrets in r, to its end: an image as a tar (OCI layout or docker save), another archive or
// one file. It opens archives (tar, gzip, zstd) and also searches them as they are; other compressed forms, such as
// zip, it searches only as they are.
//
// Findings are also returned beside an error, which means that not all was searched: a blob is broken, r cannot be
// read, a limit was reached, ctx is over.
func Read(ctx context.Context, r io.Reader, known *regpass.Redactor, limits Limits) ([]Finding, error) {
	s := newScan(ctx, known, limits)
	return s.result(s.stream(location{}, r))
}
