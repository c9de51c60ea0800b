package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regpass/regpass/internal/child"
)

// passedVar lists the programs to which a question was passed on, so that none gets it twice: another copy of regpass
// may be among them, or a script that starts us.
const passedVar = settingPrefix + "PASSED_ON"

// nextOnPath is the first program of that name on PATH that is not ours, or empty.
func (a *app) nextOnPath(name string) string {
	ours, err := os.Stat(a.env.Program)
	if err != nil {
		return "" // we would not know ourselves
	}
	passed := filepath.SplitList(a.env.Getenv(passedVar))
	for _, dir := range filepath.SplitList(a.env.Getenv("PATH")) {
		path, err := exec.LookPath(filepath.Join(dir, name))
		if err != nil || !filepath.IsAbs(path) || slices.Contains(passed, path) {
			continue
		}
		if st, err := os.Stat(path); err == nil && !os.SameFile(st, ours) {
			return path
		}
	}
	return ""
}

// passOn has another program answer in our place.
func (a *app) passOn(path string, args []string) error {
	passed := path
	if was := a.env.Getenv(passedVar); was != "" {
		passed = was + string(filepath.ListSeparator) + path
	}
	environ := slices.DeleteFunc(slices.Clone(a.env.Environ), func(kv string) bool {
		return strings.HasPrefix(kv, passedVar+"=")
	})
	code, err := child.Run(child.Command{
		Path: path, Args: append([]string{path}, args...), Env: append(environ, passedVar+"="+passed),
		Stdin: a.env.Stdin, Stdout: a.env.Stdout, Stderr: a.say.raw, Terminal: a.env.Terminal,
	})
	switch {
	case err != nil:
		return fmt.Errorf("helper: ask %s: %w", path, err)
	case code != 0:
		return childExit{code}
	}
	return nil
}
