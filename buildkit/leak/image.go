package leak

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/regpass/regpass"
)

// SearchFunc searches an image, or another archive, to its end and calls found with each known secret in it. where
// names the file, and by is what the image's history says that the file's layer was made by, both redacted.
type SearchFunc func(ctx context.Context, tar io.Reader, found func(where, by string, f regpass.Match)) error

// Archive looks for tokens in a build context that is an archive. A find is an Error.
func (w *Watch) Archive(ctx context.Context, tar io.Reader, search SearchFunc) error {
	err := search(ctx, tar, func(where, _ string, found regpass.Match) { w.leaks.add(found, inContext, where, "") })
	if leak := w.Err(); leak != nil { // whoever hears of it may call ctx off, which ends the search
		return leak
	}
	if err != nil {
		return fmt.Errorf("build: context: %w", err)
	}
	return nil
}

// Image looks for tokens in what the builder exports. Leaks says what was found.
func (w *Watch) Image(ctx context.Context, tar io.Reader, search SearchFunc) error {
	return search(ctx, tar, func(where, by string, f regpass.Match) {
		by = w.Redact(cmp.Or(w.steps[by], by))
		w.leaks.addLeak(Leak{Where: inImage, What: where, Fingerprint: f.Fingerprint, Form: f.Form, By: by})
	})
}
