package leak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"

	"github.com/regpass/regpass"
)

// MaxContextFile is how much of each context file is searched, in bytes: a context may hold data sets and disk images.
const MaxContextFile = 64 << 20

// Arguments looks for tokens in the named values of a build: build arguments, labels, annotations. BuildKit keeps all
// of them, in the image's history, its provenance or its own build history. kind is one of them: "build argument".
func (w *Watch) Arguments(kind string, args map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(args)) {
		for _, f := range w.known.Find([]byte(name + "=" + args[name])) {
			w.leaks.add(f, inArgument, kind+" "+w.Redact(name), "")
		}
	}
	return w.Err()
}

// Context looks for tokens in the files that a local context would send to the builder: in their contents, names and
// link targets. ignore are the patterns of its .dockerignore. Of each file at most MaxContextFile bytes are searched;
// partly lists the files that are longer.
func (w *Watch) Context(ctx context.Context, root fsutil.FS, ignore []string) (partly []string, err error) {
	root, err = fsutil.NewFilterFS(root, &fsutil.FilterOpt{ExcludePatterns: ignore})
	if err != nil {
		return nil, fmt.Errorf("build: context: %w", err)
	}
	buf := make([]byte, 32<<10)
	err = root.Walk(ctx, "/", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		found := func(f regpass.Match) { w.leaks.add(f, inContext, "file "+w.Redact(path), "") }
		text := path
		if info, err := d.Info(); err == nil {
			if stat, ok := info.Sys().(*types.Stat); ok {
				text += "\x00" + stat.Linkname
			}
		}
		for _, f := range w.known.Find([]byte(text)) {
			found(f)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		whole, err := w.contextFile(root, path, buf, found)
		if !whole {
			partly = append(partly, w.Redact(path))
		}
		return err
	})
	if leak := w.Err(); leak != nil { // a leak may have canceled ctx, which ends the walk
		return partly, leak
	}
	if err != nil {
		return partly, fmt.Errorf("build: context: %w", err)
	}
	return partly, nil
}

// contextFile searches one file, and reports whether all of it was.
func (w *Watch) contextFile(
	root fsutil.FS, path string, buf []byte, found func(regpass.Match),
) (whole bool, err error) {
	f, err := root.Open(path)
	if errors.Is(err, fs.ErrNotExist) { // it was removed, so it will not be sent either
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	search := w.known.Search(found)
	n, err := io.CopyBuffer(struct{ io.Writer }{search}, io.LimitReader(f, MaxContextFile+1), buf)
	return n <= MaxContextFile, errors.Join(err, search.Flush())
}
