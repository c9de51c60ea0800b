package leak

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/regpass/regpass"
)

// SearchFunc searches an image, or another archive, to its end and calls found with each known secret in it. where
// names the file, and by is the step that made the file's layer, in the words of the image's history. Both are
// redacted.
type SearchFunc func(ctx context.Context, tar io.Reader, found func(where, by string, f regpass.Match)) error

// Archive looks for tokens in a build context that is an archive. A find is an Error.
func (w *Watch) Archive(ctx context.Context, tar io.Reader, search SearchFunc) error {
	err := search(ctx, tar, func(where, _ string, found regpass.Match) { w.leaks.add(found, inContext, where, "") })
	if leak := w.Err(); leak != nil { // a leak may have canceled ctx, which ends the search
		return leak
	}
	if err != nil {
		return fmt.Errorf("build: context: %w", err)
	}
	return nil
}

// Image looks for tokens in the builder's export. Leaks lists them.
func (w *Watch) Image(ctx context.Context, tar io.Reader, search SearchFunc) error {
	return search(ctx, tar, func(where, by string, f regpass.Match) {
		by = w.Redact(cmp.Or(w.steps[by], by))
		w.leaks.addLeak(Leak{Where: inImage, Name: where, Fingerprint: f.Fingerprint, Form: f.Form, By: by})
	})
}
