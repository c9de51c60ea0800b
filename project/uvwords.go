package project

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regpass/regpass/internal/toml"

	"github.com/regpass/regpass"
)

// word looks where a word of a command or of a requirements file leads uv: at the folders of a path, at a file, and at
// the words of a text. base is the folder that paths begin in. A word that leads nowhere is passed over.
func (s *uvSearch) word(base, word string) error {
	for _, path := range s.pathsIn(word) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(base, path)
		}
		if s.words[path] { // texts repeat their words
			continue
		}
		s.words[path] = true
		if err := s.look(1); err != nil {
			return fmt.Errorf("project: %w", err)
		}
		physical, err := filepath.EvalSymlinks(path)
		if err != nil {
			continue
		}
		s.above(physical) // where a process is that went there, uv too
		s.above(filepath.Clean(path))
		if filepath.Ext(path) == ".toml" { // of --config-file
			err = s.file(path)
		} else {
			err = s.text(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pathsIn lists the paths that a word may be or hold: FOLDER, --directory=FOLDER, -eFOLDER, FOLDER[extra],
// file:FOLDER#egg=NAME, NAME@file://${PROJECT_ROOT}/FOLDER;marker (https://docs.astral.sh/uv/pip/packages/,
// https://packaging.python.org/en/latest/specifications/dependency-specifiers/).
func (s *uvSearch) pathsIn(word string) []string {
	all := []string{word}
	word = strings.Trim(word, `"',`)
	if len(word) > 2 && slices.Contains([]string{"-e", "-r", "-c"}, word[:2]) {
		word = word[2:]
	}
	_, value, _ := strings.Cut(word, "=")
	_, direct, _ := strings.Cut(word, "@")
	for _, path := range []string{word, value, direct} {
		path, _, _ = strings.Cut(path, "#")
		path, _, _ = strings.Cut(path, ";")
		path, _, _ = strings.Cut(path, "[")
		if rest, ok := strings.CutPrefix(path, "file:"); ok {
			rest = strings.TrimPrefix(strings.TrimPrefix(rest, "//localhost"), "//")
			if plain, err := url.PathUnescape(rest); err == nil {
				rest = plain
			}
			path = rest
		}
		all = append(all, os.Expand(path, s.variable))
	}
	return regpass.Unique(slices.DeleteFunc(all, func(p string) bool { return p == "" }), strings.Clone)
}

// variable is a variable in a requirements file. uv itself sets PROJECT_ROOT, to the working directory.
func (s *uvSearch) variable(name string) string {
	if name == "PROJECT_ROOT" {
		return s.env.Dir
	}
	return s.env.Getenv(name)
}

// text looks at a file that is neither a folder nor TOML: at what a script says of itself, and at the words of a
// text.
func (s *uvSearch) text(path string) error {
	f, err := regpass.OpenPlain(path)
	if err != nil {
		return nil // a folder, or uv cannot read it either
	}
	defer f.Close()
	content, err := regpass.ReadAll(f, maxFile)
	long := errors.Is(err, regpass.ErrTooLong)
	switch {
	case bytes.IndexByte(content, 0) >= 0, err != nil && !long: // a program, a wheel
		return nil
	case long:
		return fmt.Errorf("project: %s: %w", regpass.ShowPath(path), err)
	}
	if s.bytes += len(content); s.bytes > maxUVBytes {
		return fmt.Errorf("project: %w", errUVMuch)
	}
	if err := s.script(path, string(content)); err != nil || filepath.Ext(path) == ".py" {
		return err
	}
	for word := range strings.FieldsSeq(string(content)) {
		for _, base := range []string{s.env.Dir, filepath.Dir(path)} {
			if err := s.word(base, word); err != nil {
				return err
			}
		}
	}
	return nil
}

// script takes the settings in the comments of a script
// (https://packaging.python.org/en/latest/specifications/inline-script-metadata/).
func (s *uvSearch) script(path, text string) error {
	for _, text := range strings.Split(text, "# /// script")[1:] {
		var block strings.Builder
		_, text, _ = strings.Cut(text, "\n")
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			if line == "# ///" || !strings.HasPrefix(line, "#") {
				break
			}
			block.WriteString(strings.TrimPrefix(line[1:], " ") + "\n")
		}
		var settings map[string]any
		if err := toml.Unmarshal([]byte(block.String()), &settings); err != nil {
			return fmt.Errorf("project: %s: its comments: %w", regpass.ShowPath(path), err)
		}
		tool, _ := settings["tool"].(map[string]any)
		uv, _ := tool["uv"].(map[string]any)
		if err := errors.Join(s.links(path, settings), s.table(path, uv)); err != nil {
			return err
		}
	}
	return nil
}
