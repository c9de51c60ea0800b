package regpass

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Output is the absolute path of a file or folder that a person wants written. In the checkout that the working
// directory is part of, no part of the path may be a symbolic link: whoever wrote the checkout would choose the file
// that is overwritten. Such a path is ErrUsage. Nothing is created.
func (e *Env) Output(path string) (string, error) {
	abs := e.Abs(path)
	for _, root := range []string{checkout(e.Dir), checkout(realPath(e.Dir))} {
		rel, err := filepath.Rel(root, abs)
		if err != nil || !filepath.IsLocal(rel) {
			continue
		}
		at := root
		for part := range strings.SplitSeq(rel, string(filepath.Separator)) {
			at = filepath.Join(at, part)
			if st, err := os.Lstat(at); err == nil && st.Mode()&fs.ModeSymlink != 0 {
				return "", Hintf(Usagef("%s is not written: %s is a symbolic link in the checkout", Quote(path), Quote(at)),
					"remove the link, or write to a folder outside the checkout")
			}
		}
	}
	return abs, nil
}

// checkout is the nearest folder at or above dir that has a repository of git; dir itself if there is none.
func checkout(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

// realPath is dir without symbolic links; dir itself if it cannot be told.
func realPath(dir string) string {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return dir
	}
	return real
}
