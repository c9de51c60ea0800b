package sts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// folder is a directory that is served. os.Root keeps symbolic links in it from leading outside.
type folder struct {
	path    string
	kind    Kind
	root    *os.Root
	placing sync.Mutex // held from the check that a name is free until it is taken

	mu      sync.Mutex
	entries map[string][]*entry // by project
	read    time.Time           // when, by the machine's clock
	changed time.Time           // modification time of the directory then
}

// entry is a wheel or sdist in a folder. Its hash is computed once, on first use.
type entry struct {
	name     string
	size     int64
	modified time.Time
	sum      func() (string, error)
	failed   atomic.Bool // sum failed; the next listing tries again
}

// listingTTL is how long a listing is trusted while the directory's modification time stays the same.
const listingTTL = 2 * time.Second

// An upload is written under this prefix first. Leftovers of a crash are removed after a day.
const (
	uploadPrefix = ".upload-"
	maxUploadAge = 24 * time.Hour
)

// emptyMark is a file by which the operator says that a folder is meant to be empty. It goes with the first package, so
// that a folder that is emptied later, or not mounted, is not taken for a new one.
const emptyMark = ".empty"

func openFolder(path string, kind Kind, now time.Time) (*folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	f := &folder{path: path, kind: kind, root: root}
	names, err := f.names()
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	for _, n := range names {
		if !strings.HasPrefix(n, uploadPrefix) {
			continue
		}
		if info, err := root.Lstat(n); err == nil && now.Sub(info.ModTime()) > maxUploadAge {
			_ = root.Remove(n) // the next start tries again
		}
	}
	if kind == Conda {
		f.channel()
	}
	return f, nil
}

func (f *folder) names() ([]string, error) {
	dir, err := f.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Readdirnames(-1)
}

// list returns the wheels and sdists of each project.
func (f *folder) list() (map[string][]*entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, err := f.root.Stat(".")
	if err != nil {
		return nil, err
	}
	if f.entries != nil && dir.ModTime().Equal(f.changed) && time.Since(f.read) < listingTTL {
		return f.entries, nil
	}
	names, err := f.names()
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	before := map[string]*entry{}
	for _, es := range f.entries {
		for _, e := range es {
			before[e.name] = e
		}
	}
	f.entries, f.read, f.changed = map[string][]*entry{}, time.Now(), dir.ModTime()
	for _, n := range names {
		project, _, ok := parseFilename(n)
		if !ok {
			continue
		}
		info, err := f.root.Stat(n)
		if err != nil || !info.Mode().IsRegular() {
			continue // deleted meanwhile, or not a file
		}
		e := before[n]
		if e == nil || e.failed.Load() || e.size != info.Size() || !e.modified.Equal(info.ModTime()) {
			e = &entry{name: n, size: info.Size(), modified: info.ModTime()}
			e.sum = sync.OnceValues(func() (string, error) { return f.hash(e) })
		}
		f.entries[project] = append(f.entries[project], e)
	}
	if len(f.entries) > 0 && slices.Contains(names, emptyMark) {
		_ = f.root.Remove(emptyMark) // the next listing tries again
	}
	return f.entries, nil
}

// projects is list for readers. An index without any package has no answer for them: a folder that is not mounted looks
// like one that is new, and a client that hears of no project asks the next index for it.
func (f *folder) projects() (map[string][]*entry, error) {
	if err := f.moved(); err != nil {
		return nil, err
	}
	all, err := f.list()
	if err == nil && len(all) == 0 && !f.marked() {
		const format = "the index has no package: its folder is empty or not mounted; if it is new, make %s in it"
		err = unavailable.with(format, emptyMark)
	}
	return all, err
}

// marked reports whether the operator says that the folder is meant to be empty.
func (f *folder) marked() bool {
	_, err := f.root.Lstat(emptyMark)
	return err == nil
}

// moved refuses to speak for a folder that is no longer at its path: something was moved there or mounted over it.
func (f *folder) moved() error {
	there, err := os.Stat(f.path)
	if err == nil {
		var open fs.FileInfo
		if open, err = f.root.Stat("."); err == nil && os.SameFile(there, open) {
			return nil
		}
	}
	return unavailable.with("the index's folder was moved or replaced since the service was started").
		because("folder: moved, replaced or gone since the start; restart the service")
}

// listing lists a project for readers.
func (f *folder) listing(project string) (listing, error) {
	all, err := f.projects()
	if err != nil || len(all[project]) == 0 {
		return listing{}, err
	}
	files, err := f.files(project)
	if err == nil && len(files) == 0 {
		err = unavailable.with("no file of the project can be read right now")
	}
	return listing{files: files, exists: true}, err
}

// absent is the answer for a file that is not there.
func (f *folder) absent(why error) error {
	if err := f.moved(); err != nil {
		return err
	}
	if f.kind == PyPI {
		if _, err := f.projects(); err != nil {
			return err
		}
	} else if !f.channel() && !f.marked() {
		const format = "the channel has no repodata.json: its folder is empty or not mounted; if it is new, make %s in it"
		return unavailable.with(format, emptyMark)
	}
	return notFound.with("the index has no such file").because("%s", why)
}

// channel reports whether the folder is a conda channel with packages.
func (f *folder) channel() bool {
	found, err := fs.Glob(f.root.FS(), "*/repodata.json*")
	if err != nil || found == nil {
		return false
	}
	_ = f.root.Remove(emptyMark) // the next time tries again
	return true
}

// stale makes the next call of list read the folder.
func (f *folder) stale() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read = time.Time{}
}

// files lists a project. A file that cannot be read is left out.
func (f *folder) files(project string) ([]packageFile, error) {
	all, err := f.list()
	if err != nil {
		return nil, err
	}
	var out []packageFile
	for _, e := range all[project] {
		sum, err := e.sum()
		if err != nil {
			e.failed.Store(true)
			f.stale()
			continue
		}
		out = append(out, packageFile{name: e.name, sha256: sum, size: e.size, modified: e.modified})
	}
	return out, nil
}

// hash is the SHA-256 in hex of the file that e describes.
func (f *folder) hash(e *entry) (string, error) {
	file, info, err := f.open(e.name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	if info.Size() != e.size || !info.ModTime().Equal(e.modified) {
		return "", fmt.Errorf("%s changed", e.name)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// open opens a regular file. It checks before opening because opening a named pipe would block.
func (f *folder) open(path string) (*os.File, fs.FileInfo, error) {
	info, err := f.root.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errors.New("not a regular file")
	}
	file, err := f.root.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err = file.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, info, nil
}

// send answers with a file, a range of it, or 304.
func (f *folder) send(c *call, mime, path string) error {
	file, info, err := f.open(path)
	if err != nil {
		return f.absent(err)
	}
	defer file.Close()
	c.extendDeadlines()
	h := c.w.Header()
	h.Set("Content-Type", mime)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Etag", fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano()))
	http.ServeContent(c.w, c.r, "", info.ModTime(), file)
	return nil
}
