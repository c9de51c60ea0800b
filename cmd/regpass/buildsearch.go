package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit"
	"github.com/regpass/regpass/image"
)

// searchImage looks for the known secrets in all of an image or another archive.
func searchImage(known *regpass.Redactions) buildkit.SearchImage {
	return func(ctx context.Context, tar io.Reader, found func(where, by string, f regpass.Found)) error {
		all, err := image.Read(ctx, tar, known, image.Limits{})
		for _, f := range all {
			found(whereInImage(f), f.By, regpass.Found{Fingerprint: f.Fingerprint, Form: f.Form})
		}
		return err
	}
}

// whereInImage is what a person knows a part of an image by.
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
