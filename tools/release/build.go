package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// completions are the scripts that complete in shells, by the names that shells look for them under.
var completions = [][2]string{{"bash", "regpass.bash"}, {"zsh", "_regpass"}, {"fish", "regpass.fish"}, {"powershell", "regpass.ps1"}}

// build builds the program for a platform.
func (r *release) build(ctx context.Context, p platform) (binary, error) {
	b := binary{p, filepath.Join(r.to, r.name(p, p.exe())), r.name(p, ".tar.gz")}
	if p.os == "windows" {
		b.archive = r.name(p, ".zip")
	}
	return b, r.goBuild(ctx, p, b.path)
}

// goBuild builds without anything of this machine in the result: no folders, no commit, no C, and none of the settings
// that people have for go and for architectures.
func (r *release) goBuild(ctx context.Context, p platform, path string) error {
	env := []string{"CGO_ENABLED=0", "GOOS=" + p.os, "GOARCH=" + p.arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off"}
	_, err := command(ctx, r.from, env, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags=-s -w -X main.releaseVersion="+r.version, "-o", path, "./cmd/regpass")
	return err
}

// writePages has the program for this machine write its manual pages and completions.
func (r *release) writePages(ctx context.Context) error {
	program := filepath.Join(r.pages, "regpass")
	if err := r.goBuild(ctx, platform{runtime.GOOS, runtime.GOARCH}, program); err != nil {
		return err
	}
	for _, name := range []string{"man", "completions"} {
		if err := os.Mkdir(filepath.Join(r.pages, name), 0o700); err != nil {
			return err
		}
	}
	ask := func(args ...string) (string, error) { // with no setting of the machine's, which would be shown as standard
		args = append([]string{"-i", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.when.Unix()), program}, args...)
		return command(ctx, r.pages, nil, "env", args...)
	}
	if _, err := ask("man", "man"); err != nil {
		return err
	}
	for _, c := range completions {
		script, err := ask("completion", c[0])
		if err != nil {
			return err
		}
		if !strings.Contains(script, "regpass") {
			return fmt.Errorf("there is no completion for %s", c[0])
		}
		if err := os.WriteFile(filepath.Join(r.pages, "completions", c[1]), []byte(script), 0o600); err != nil {
			return err
		}
	}
	return nil
}
