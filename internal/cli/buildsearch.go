package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit"
	"github.com/regpass/regpass/buildkit/leak"
	"github.com/regpass/regpass/buildkit/plan"
	"github.com/regpass/regpass/image"
)

// searchBefore refuses a build that would get a token in its files or flags.
func searchBefore(ctx context.Context, a *app, plan *plan.Plan, watch *leak.Watch) error {
	partly, err := buildkit.Search(ctx, plan, watch, searchImage(a.say.known))
	if errors.Is(err, regpass.ErrFound) {
		return regpass.Hintf(err,
			"the build was not started; take it out, or keep the file from the build with .dockerignore")
	}
	if err != nil {
		return err
	}
	for _, file := range partly {
		a.say.line(warningKind, fmt.Sprintf("of the context's file %s only the first %d MiB were searched for tokens",
			regpass.Quote(file), leak.MaxContextFile>>20))
	}
	return nil
}

// searchImage looks for the known secrets in a whole image or another archive.
func searchImage(known *regpass.Redactor) leak.SearchFunc {
	return func(ctx context.Context, tar io.Reader, found func(where, by string, f regpass.Match)) error {
		all, err := image.Read(ctx, tar, known, image.Limits{})
		for _, f := range all {
			found(whereInImage(f), f.By, regpass.Match{Fingerprint: f.Fingerprint, Form: f.Form})
		}
		return err
	}
}

// whereInImage names the part of an image for a person.
func whereInImage(f image.Finding) string {
	switch {
	case f.Layer > 0 && f.Path != "":
		return fmt.Sprintf("file %s of layer %d", f.Path, f.Layer)
	case f.Layer > 0:
		return fmt.Sprintf("layer %d", f.Layer)
	case f.Path != "":
		return "file " + f.Path
	case f.Blob != "":
		return cmp.Or(f.Kind, "blob") + " " + f.Blob
	}
	return "archive itself"
}
