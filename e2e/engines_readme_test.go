//go:build engines && linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// readmeBuilds are the ways to build a container that the README shows, each with the beginning of its command.
var readmeBuilds = map[string]string{
	"regpass": "$ regpass build ", "exec": "$ regpass exec ", "secrets": "$(regpass secrets ",
}

// cmdReadmeBuild is readme-build WAY FILE: it writes the README's command for that way to the file and the README's
// Dockerfile beside it, both changed to the script's service and base image.
func cmdReadmeBuild(ts *testscript.TestScript, _ bool, args []string) {
	block, err := buildBlock(readmeBuilds[args[0]])
	ts.Check(err)
	command, _, _ := strings.Cut(strings.TrimPrefix(block, "$ "), "\n")
	dockerfiles, err := fenced("dockerfile")
	ts.Check(err)
	here := strings.NewReplacer("https://api.pyx.dev", ts.Getenv("SERVICE"), "python:3.12-slim", ts.Getenv("PYBASE"))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte("# "+args[0]+"\n"+here.Replace(command)+"\n"), 0o644))
	ts.Check(os.WriteFile(filepath.Join(filepath.Dir(ts.MkAbs(args[1])), "Dockerfile"),
		[]byte(here.Replace(dockerfiles[0])), 0o644))
}

// buildBlock returns the README's block whose command holds the mark.
func buildBlock(mark string) (string, error) {
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
	return "", fmt.Errorf("the README shows no build with %s", mark)
}

// cmdReadmeOutput is readme-output FILE OUTPUT: the lines of OUTPUT that regpass wrote are those that the README shows
// below the command that readme-build wrote to FILE, apart from numbers and the service's host.
func cmdReadmeOutput(ts *testscript.TestScript, _ bool, args []string) {
	name, _, _ := strings.Cut(strings.TrimPrefix(ts.ReadFile(args[0]), "# "), "\n")
	block, err := buildBlock(readmeBuilds[name])
	ts.Check(err)
	if shown, got := ownLines(block), ownLines(ts.ReadFile(args[1])); shown != got {
		ts.Fatalf("the README shows\n%sbut regpass wrote\n%s", shown, got)
	}
}

// socket is where a daemon listens.
var socket = regexp.MustCompile(`unix://\S+sock`)

// ownLines are the lines that regpass wrote, with the parts that change from run to run replaced.
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
