//go:build engines && linux

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// readmeWays are the README's ways to build a container, by a word that only its command has.
var readmeWays = map[string]string{"regpass": "$ regpass build ", "exec": "$ regpass exec ", "secrets": "$(regpass secrets "}

// way WAY FILE: writes the README's command of that way to the file, and its Dockerfile beside it, both for the script's
// service and base image.
func way(ts *testscript.TestScript, _ bool, args []string) {
	block, err := wayBlock(readmeWays[args[0]])
	ts.Check(err)
	command, _, _ := strings.Cut(strings.TrimPrefix(block, "$ "), "\n")
	dockerfiles, err := fenced("dockerfile")
	ts.Check(err)
	here := strings.NewReplacer("https://api.pyx.dev", ts.Getenv("SERVICE"), "python:3.12-slim", ts.Getenv("PYBASE"))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte("# "+args[0]+"\n"+here.Replace(command)+"\n"), 0o644))
	ts.Check(os.WriteFile(filepath.Join(filepath.Dir(ts.MkAbs(args[1])), "Dockerfile"), []byte(here.Replace(dockerfiles[0])), 0o644))
}

func wayBlock(mark string) (string, error) {
	blocks, err := fenced("console")
	if err != nil {
		return "", err
	}
	for _, b := range blocks {
		line, _, _ := strings.Cut(b, "\n")
		if strings.Contains(line, mark) {
			return b, nil
		}
	}
	return "", fmt.Errorf("the README shows no way with %s", mark)
}

// says FILE SAID: the lines that regpass said are those that the README shows for the way that wrote FILE, but for
// numbers and the service's host.
func says(ts *testscript.TestScript, _ bool, args []string) {
	name, _, _ := strings.Cut(strings.TrimPrefix(ts.ReadFile(args[0]), "# "), "\n")
	block, err := wayBlock(readmeWays[name])
	ts.Check(err)
	if shown, said := ownLines(block), ownLines(ts.ReadFile(args[1])); shown != said {
		ts.Fatalf("the README shows\n%sbut it says\n%s", shown, said)
	}
}

// socket is where a daemon listens.
var socket = regexp.MustCompile(`unix://\S+sock`)

func ownLines(text string) string {
	var all strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "regpass: ") {
			line = socket.ReplaceAllString(line, "unix://")
			line = number.ReplaceAllString(strings.ReplaceAll(line, "api.pyx.dev", "127.0.0.1:1"), "N")
			all.WriteString(strings.ReplaceAll(line, "N_N", "N:N")) // as an id has it
		}
	}
	return all.String()
}
