package project

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/toml"
)

// UVIndex is a named index that uv may read credentials for from variables of that name.
type UVIndex struct {
	Name, URL string // as they are written
	Origin    string // the file, by regpass.ShowPath, or the name of the variable
}

// UVIndexes lists the named indexes that uv finds when it runs in one of the folders, or takes one of the files or
// requirements (a script, ./sub[extra], -r requirements.txt): in uv.toml and pyproject.toml there and in every folder
// above, in the members of a workspace, in dependencies with a path, in what a script says of itself, and in UV_INDEX,
// UV_DEFAULT_INDEX and UV_CONFIG_FILE (https://docs.astral.sh/uv/concepts/configuration-files/).
// It looks farther than the first file that uv would take, and nothing of it is trusted. A path that is none, or
// does not exist, is passed over; a file that cannot be read is an error.
func UVIndexes(env *regpass.Env, paths ...string) ([]UVIndex, error) {
	s := uvSearch{env: env, seen: map[string]bool{}, words: map[string]bool{}}
	for _, name := range []string{"UV_INDEX", "UV_DEFAULT_INDEX"} {
		for word := range strings.FieldsSeq(env.Getenv(name)) {
			if index, url, ok := strings.Cut(word, "="); ok {
				s.found = append(s.found, UVIndex{index, url, name})
			}
		}
	}
	if path := env.Getenv("UV_CONFIG_FILE"); path != "" {
		if err := s.file(env.Abs(path)); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"UV_PROJECT", "UV_WORKING_DIR", "UV_WORKING_DIRECTORY", "UV_CONSTRAINT", "UV_OVERRIDE",
		"UV_BUILD_CONSTRAINT"} {
		if path := env.Getenv(name); path != "" {
			paths = append(paths, path)
		}
	}
	for _, path := range paths {
		words := append(strings.Fields(path), path) // sh -c "uv …", "NAME @ ./FOLDER"
		for _, word := range regpass.Unique(words, strings.Clone) {
			if err := s.word(env.Dir, word); err != nil {
				return nil, err
			}
		}
	}
	for len(s.dirs) > 0 {
		dir := s.dirs[0]
		s.dirs = s.dirs[1:]
		if err := s.folder(dir); err != nil {
			return nil, err
		}
	}
	return s.found, nil
}

// Bounds of a search for uv's files. A checkout that needs more is refused.
const (
	maxUVFolders = 10_000   // folders that may hold them
	maxUVNames   = 200_000  // names of files and folders that are compared with patterns
	maxUVBytes   = 16 << 20 // of all files together
)

var errUVMuch = regpass.Usagef("uv's files name more than %d folders, or hold more than %d bytes",
	maxUVFolders, maxUVBytes)

// uvSearch is a search for uv's named indexes.
type uvSearch struct {
	env   *regpass.Env
	dirs  []string        // still to look at
	seen  map[string]bool // folders
	words map[string]bool // paths that words may be
	names int
	bytes int
	found []UVIndex
}

// above looks at a folder and at all above it.
func (s *uvSearch) above(dir string) {
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		s.add(dir)
	}
	s.add(dir)
}

// add has folders looked at that were not yet.
func (s *uvSearch) add(dirs ...string) {
	for _, dir := range dirs {
		if !s.seen[dir] {
			s.seen[dir] = true
			s.dirs = append(s.dirs, dir)
		}
	}
}

// folder reads uv's files in a folder.
func (s *uvSearch) folder(dir string) error {
	if len(s.seen) > maxUVFolders {
		return fmt.Errorf("project: %w", errUVMuch)
	}
	for _, name := range []string{"uv.toml", "pyproject.toml"} {
		if err := s.file(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// file reads one of uv's files, if it is there. In a pyproject.toml uv's settings are the table tool.uv. Keys are
// compared as uv does, with regard to case.
func (s *uvSearch) file(path string) error {
	text, err := read(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	var settings map[string]any
	if s.bytes += len(text); s.bytes > maxUVBytes {
		err = errUVMuch
	}
	if err == nil {
		err = toml.Unmarshal([]byte(text), &settings)
	}
	if err != nil {
		return fmt.Errorf("project: %s: %w", regpass.ShowPath(path), err)
	}
	if err := s.links(path, settings); err != nil {
		return err
	}
	if filepath.Base(path) == "pyproject.toml" {
		tool, _ := settings["tool"].(map[string]any)
		settings, _ = tool["uv"].(map[string]any)
	}
	return s.table(path, settings)
}

// links looks at the folders that requirements in a file name: NAME @ file:///FOLDER.
func (s *uvSearch) links(path string, value any) (err error) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			err = errors.Join(err, s.links(path, v[key]))
		}
	case []any:
		for _, element := range v {
			err = errors.Join(err, s.links(path, element))
		}
	case string:
		for word := range strings.FieldsSeq(v) {
			if strings.Contains(word, "file:") {
				err = errors.Join(err, s.word(filepath.Dir(path), word))
			}
		}
	}
	return err
}

// table takes the indexes of a table of settings and of all that is in it, and the folders that it names.
func (s *uvSearch) table(path string, table map[string]any) error {
	name, named := table["name"].(string)
	if url, ok := table["url"].(string); ok && named {
		s.found = append(s.found, UVIndex{name, url, regpass.ShowPath(path)})
	}
	if dir, ok := table["path"].(string); ok {
		s.add(inFolderOf(path, dir))
	}
	members, _ := table["members"].([]any)
	for _, m := range members {
		pattern, _ := m.(string)
		dirs, err := s.matching(inFolderOf(path, pattern))
		switch {
		case errors.Is(err, filepath.ErrBadPattern):
			return fmt.Errorf("project: %s: the workspace's member %s is not a pattern", regpass.ShowPath(path),
				regpass.Quote(pattern))
		case err != nil:
			return fmt.Errorf("project: %s: %w", regpass.ShowPath(path), err)
		}
		s.add(dirs...)
	}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if err := s.value(path, table[key]); err != nil {
			return err
		}
	}
	return nil
}

// value is table for the tables in a value.
func (s *uvSearch) value(path string, value any) error {
	switch v := value.(type) {
	case map[string]any:
		return s.table(path, v)
	case []any:
		for _, element := range v {
			if err := s.value(path, element); err != nil {
				return err
			}
		}
	}
	return nil
}

// matching lists what a pattern of uv's matches (https://docs.rs/glob/latest/glob/struct.Pattern.html), or more: below
// ** every folder. Every name that it looks at counts: links to the folder that they are in match without end.
func (s *uvSearch) matching(pattern string) ([]string, error) {
	above, _, deep := strings.Cut(filepath.Clean(strings.ReplaceAll(pattern, "[!", "[^")), "**")
	volume := filepath.VolumeName(above)
	paths := []string{volume + string(filepath.Separator)}
	for part := range strings.FieldsFuncSeq(above[len(volume):], func(c rune) bool { return c == filepath.Separator }) {
		var next []string
		for _, dir := range paths {
			found, err := s.in(dir, part)
			if err != nil {
				return nil, err
			}
			next = append(next, found...)
		}
		paths = next
	}
	if !deep {
		return paths, nil
	}
	var dirs []string
	for _, top := range paths {
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return s.look(1) // what cannot be read, uv cannot read either
		})
		if err != nil {
			return nil, err
		}
	}
	return dirs, nil
}

// in lists the paths in a folder whose names match one part of a pattern.
func (s *uvSearch) in(dir, part string) ([]string, error) {
	if err := s.look(1); err != nil {
		return nil, err
	}
	if !strings.ContainsAny(part, `*?[\`) {
		return []string{filepath.Join(dir, part)}, nil
	}
	if _, err := filepath.Match(part, ""); err != nil {
		return nil, err
	}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() { // to open a pipe would wait
		return nil, nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, nil // uv cannot read it either
	}
	defer f.Close()
	var found []string
	names, _ := f.Readdirnames(maxUVNames)
	for _, name := range names {
		if ok, _ := filepath.Match(part, name); ok {
			found = append(found, filepath.Join(dir, name))
		}
	}
	return found, s.look(len(names))
}

// look counts names that are looked at, and refuses too many.
func (s *uvSearch) look(names int) error {
	if s.names += names; s.names > maxUVNames {
		return errUVMuch
	}
	return nil
}

// inFolderOf resolves a path that a file names.
func inFolderOf(file, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(filepath.Dir(file), path)
}
