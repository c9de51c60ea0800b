package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pelletier/go-toml/v2"

	"github.com/regpass/regpass"
)

// maxProjectFile is the largest project file that is read, in bytes.
const maxProjectFile = 1 << 20

// index is an entry of uv's index list (https://docs.astral.sh/uv/concepts/indexes/).
type index struct {
	Name, URL  string
	PublishURL string `toml:"publish-url"`
}

type uvConfig struct {
	Index         []index
	IndexURL      string   `toml:"index-url"`
	ExtraIndexURL []string `toml:"extra-index-url"`
	PublishURL    string   `toml:"publish-url"`
}

// pixiConfig is the part of a pixi manifest that names channels and indexes
// (https://pixi.prefix.dev/latest/reference/pixi_manifest/). A channel is a string or a table with the key channel.
type pixiConfig struct {
	Workspace, Project struct{ Channels []any }
	PyPI               struct {
		IndexURL       string   `toml:"index-url"`
		ExtraIndexURLs []string `toml:"extra-index-urls"`
	} `toml:"pypi-options"`
}

// projectFiles are the files looked at, each with how to find registries in it: those written for regpass, which must
// be right, and those written for another program.
var projectFiles = []struct {
	name string
	refs func(text string) (ours, others []string, err error)
}{
	{"regpass.toml", func(text string) ([]string, []string, error) {
		var c struct{ Registry []string }
		err := toml.Unmarshal([]byte(text), &c)
		return c.Registry, nil, err
	}},
	{"pyproject.toml", func(text string) ([]string, []string, error) {
		var c struct {
			Tool struct {
				Regpass struct{ Registry []string }
				UV      uvConfig
				Pixi    pixiConfig
			}
		}
		err := toml.Unmarshal([]byte(text), &c)
		return c.Tool.Regpass.Registry, append(c.Tool.UV.refs(), c.Tool.Pixi.refs()...), err
	}},
	{"uv.toml", func(text string) ([]string, []string, error) {
		var c uvConfig
		err := toml.Unmarshal([]byte(text), &c)
		return nil, c.refs(), err
	}},
	{"pixi.toml", func(text string) ([]string, []string, error) {
		var c pixiConfig
		err := toml.Unmarshal([]byte(text), &c)
		return nil, c.refs(), err
	}},
}

func (c uvConfig) refs() []string {
	all := append([]string{c.IndexURL, c.PublishURL}, c.ExtraIndexURL...)
	for _, i := range c.Index {
		url := i.URL
		if url != "" && i.Name != "" {
			url += " name=" + i.Name
		}
		all = append(all, url, i.PublishURL)
	}
	return all
}

func (c pixiConfig) refs() []string {
	all := append([]string{c.PyPI.IndexURL}, c.PyPI.ExtraIndexURLs...)
	for _, ch := range append(c.Workspace.Channels, c.Project.Channels...) {
		if table, ok := ch.(map[string]any); ok {
			ch = table["channel"]
		}
		if url, ok := ch.(string); ok {
			all = append(all, url)
		}
	}
	return all
}

// projectRefs reads the registries that the project around dir names: in dir, or in the nearest folder above it that
// has one of the files.
func projectRefs(dir string) (refs []regpass.Ref, files []string, err error) {
	for {
		for _, f := range projectFiles {
			path := filepath.Join(dir, f.name)
			text, err := readSmall(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, nil, fmt.Errorf("project: %w", err)
			}
			found, err := refsIn(path, text, f.refs)
			if err != nil {
				return nil, nil, fmt.Errorf("project: %s: %w", path, err)
			}
			files, refs = append(files, path), append(refs, found...)
		}
		up := filepath.Dir(dir)
		if len(files) > 0 || up == dir {
			return unique(refs, regpass.Ref.String), files, nil
		}
		dir = up
	}
}

// refsIn reads one file. What is meant for other programs is left out where it is no registry that takes a credential
// from us: a bare channel name ("conda-forge" is public), a local path, plain http.
func refsIn(path, text string, read func(string) (ours, others []string, err error)) (refs []regpass.Ref, err error) {
	ours, others, err := read(text)
	var bad *toml.DecodeError
	if errors.As(err, &bad) { // its String would quote the file
		line, _ := bad.Position()
		err = fmt.Errorf("line %d: %w", line, err)
	}
	if err != nil {
		return nil, regpass.Hintf(regpass.Usagef("%s", regpass.Quote(err.Error())), "name the registry on the command line to go without this file")
	}
	for _, word := range ours {
		r, err := regpass.ParseRef(word)
		if err != nil {
			return nil, err
		}
		refs = append(refs, r)
	}
	for _, word := range others {
		if r, err := regpass.ParseRef(word); err == nil && !r.Bare {
			refs = append(refs, r)
		}
	}
	for i := range refs {
		refs[i].From = path
	}
	return refs, nil
}

// unique keeps the first of those with the same name.
func unique[T any](all []T, name func(T) string) []T {
	var out []T
	seen := map[string]bool{}
	for _, one := range all {
		if !seen[name(one)] {
			seen[name(one)] = true
			out = append(out, one)
		}
	}
	return out
}

// configRefs reads the registries that one file names, by the rules for files of its name, else for regpass.toml.
func configRefs(path string) ([]regpass.Ref, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	read := projectFiles[0].refs
	for _, f := range projectFiles {
		if f.name == filepath.Base(path) {
			read = f.refs
		}
	}
	refs, err := refsIn(path, text, read)
	if err != nil {
		return nil, fmt.Errorf("config: %s: %w", path, err)
	}
	return unique(refs, regpass.Ref.String), nil
}

func readSmall(path string) (string, error) {
	st, err := os.Stat(path)
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a plain file", path) // opening a pipe would wait
	}
	if err != nil {
		return "", err
	}
	text, err := regpass.ReadFile(path, maxProjectFile)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return string(text), nil
}
