package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const home = "https://github.com/regpass/regpass"

// platform is a system and an architecture by Go's names.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// exe is what names of programs end in.
func (p platform) exe() string {
	if p.os == "windows" {
		return ".exe"
	}
	return ""
}

// platforms are what a release is built for.
var platforms = []platform{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
}

// versions are those that Debian, Alpine and Go all order in the same way.
var versions = regexp.MustCompile(`^v\d+\.\d+\.\d+(-(alpha|beta|rc)\d+)?$`)

// release is one run. All names of files in it are absolute.
type release struct {
	version   string // with its v
	when      time.Time
	from, to  string // folders: of the sources, of the result
	pages     string // folder with man/ and completions/, while the run lasts
	platforms []platform
	built     []binary
}

// binary is the program for one platform.
type binary struct {
	platform
	path    string
	archive string // its name
}

func newRelease(ctx context.Context, version, from, to, only string) (*release, error) {
	if !versions.MatchString(version) {
		return nil, fmt.Errorf("%q is no version such as v1.2.3 or v1.2.3-rc1", version)
	}
	r := &release{version: version, platforms: platforms}
	if only != "" {
		r.platforms = nil
		for _, p := range platforms {
			if p.String() == only {
				r.platforms = []platform{p}
			}
		}
		if r.platforms == nil {
			return nil, fmt.Errorf("releases are not built for %q", only)
		}
	}
	var err error
	if r.from, err = filepath.Abs(from); err != nil {
		return nil, err
	}
	if r.to, err = filepath.Abs(to); err != nil {
		return nil, err
	}
	r.when, err = commitTime(ctx, r.from)
	return r, err
}

// commitTime is SOURCE_DATE_EPOCH (reproducible-builds.org/specs/source-date-epoch) or else when the last commit was made.
func commitTime(ctx context.Context, dir string) (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		said, err := command(ctx, dir, nil, "git", "log", "-1", "--format=%ct")
		if err != nil {
			return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is not set: %w", err)
		}
		text = strings.TrimSpace(said)
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q, no number of seconds", text)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// make makes everything. The folder for it must not be there: what an earlier run left would be released too.
func (r *release) make(ctx context.Context) (err error) {
	if err := os.Mkdir(r.to, 0o777); err != nil { // less the umask
		return err
	}
	if r.pages, err = os.MkdirTemp("", "release"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.pages)) }()
	if err := r.writePages(ctx); err != nil {
		return err
	}
	for _, p := range r.platforms {
		b, err := r.build(ctx, p)
		if err != nil {
			return err
		}
		for _, step := range []func(binary) error{r.writeArchive, r.writePackages, r.writeSBOM} {
			if err := step(b); err != nil {
				return fmt.Errorf("%s: %w", p, err)
			}
		}
		r.built = append(r.built, b)
	}
	return errors.Join(r.writeFormula(), r.writePins(), r.writeChecksums())
}

// name is that of a file of the release: regpass_1.2.3_linux_amd64 and what follows.
func (r *release) name(p platform, suffix string) string {
	return fmt.Sprintf("regpass_%s_%s_%s%s", r.number(), p.os, p.arch, suffix)
}

// number is the version without its v.
func (r *release) number() string { return strings.TrimPrefix(r.version, "v") }

// command runs a program with more variables and returns what it said.
func command(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	var said, complaints bytes.Buffer
	c.Stdout, c.Stderr = &said, &complaints
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, args[0], err, bytes.TrimSpace(complaints.Bytes()))
	}
	return said.String(), nil
}
