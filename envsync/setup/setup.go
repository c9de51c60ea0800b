// Package setup answers "how does a client's own configuration name our helper for good?". Each client whose
// configuration can do so is a row of All. The files hold no secret. Like the rest of envsync it writes nothing.
package setup

import (
	"path/filepath"
	"runtime"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/docker"
)

// Client is one client's own configuration.
type Client struct {
	Name   string // of the protocol in package helper
	Doc    string // one line of help: what is written
	Format envsync.Format
	Hosts  hosts // whether the configuration names hosts
	// Path is the absolute path of the file, or empty if there is no folder for it.
	Path func(env *regpass.Env) string
	// Not says why no configuration of the user's can name the helper; empty: it can.
	Not string
}

// hosts says whether a client's configuration names the hosts for which the helper is asked.
type hosts int

const (
	never     hosts = iota // the helper is asked for all
	ifGiven                // for all, or for the hosts that are named
	mustGiven              // hosts must be named
)

// NeedsHosts reports whether registries must be named.
func (c Client) NeedsHosts() bool { return c.Hosts == mustGiven }

// TakesHosts reports whether registries may be named.
func (c Client) TakesHosts() bool { return c.Hosts != never }

// All are the helpers, in the order of package helper's.
var All = []Client{
	{
		Name: "keyring",
		Not: "a `keyring` on PATH would take the place of the real one, for all programs; " +
			"`regpass exec --to keyring` has one for a command",
	}, {
		Name:   "docker",
		Doc:    "credHelpers in docker's config.json, for the registries that you name",
		Hosts:  mustGiven,
		Format: docker.Helpers,
		Path: func(env *regpass.Env) string {
			if dir := env.Getenv("DOCKER_CONFIG"); dir != "" {
				return filepath.Join(env.Abs(dir), "config.json")
			}
			return inHome(env, ".docker", "config.json")
		},
	}, {
		Name:   "git",
		Doc:    "a credential helper in .gitconfig: alone for the registries that you name, otherwise after the others",
		Hosts:  ifGiven,
		Format: git.format("git"),
		Path: func(env *regpass.Env) string {
			if file := env.Getenv("GIT_CONFIG_GLOBAL"); file != "" {
				return env.Abs(file)
			}
			return inHome(env, ".gitconfig")
		},
	}, {
		Name:   "cargo",
		Doc:    "global-credential-providers in cargo's config.toml",
		Format: cargo.format("cargo"),
		Path: func(env *regpass.Env) string {
			if dir := env.Getenv("CARGO_HOME"); dir != "" {
				return filepath.Join(env.Abs(dir), "config.toml")
			}
			return inHome(env, ".cargo", "config.toml")
		},
	}, {
		Name:   "goauth",
		Doc:    "GOAUTH in the file of `go env -w`",
		Format: goauth.format("goauth"),
		Path:   goEnv,
	}, {
		Name:   "bazel",
		Doc:    "--credential_helper in .bazelrc, for the registries that you name",
		Hosts:  mustGiven,
		Format: bazel.format("bazel"),
		Path:   func(env *regpass.Env) string { return inHome(env, ".bazelrc") },
	}, {
		Name: "pnpm",
		Not:  "pnpm keeps a tokenHelper for each URL of a registry; `regpass exec` has one for a command",
	}, {
		Name: "terraform",
		Not:  "terraform looks for helpers in its folder of plugins only; `regpass exec` sets TF_TOKEN_… for a command",
	},
}

// Find returns the row of that name. The error is regpass.ErrUsage: it lists the names, or says why the helper is for
// running commands only.
func Find(name string) (Client, error) {
	c, err := regpass.Pick("helper", name, All, func(c Client) string { return c.Name })
	if err == nil && c.Not != "" {
		err = regpass.Hintf(regpass.Usagef("the helper %s cannot be installed", name), "%s", c.Not)
	}
	return c, err
}

func inHome(env *regpass.Env, names ...string) string {
	if !filepath.IsAbs(env.Home) {
		return ""
	}
	return filepath.Join(append([]string{env.Home}, names...)...)
}

// goEnv is the file of `go env -w` (https://pkg.go.dev/cmd/go#hdr-Environment_variables, os.UserConfigDir).
func goEnv(env *regpass.Env) string {
	switch file := env.Getenv("GOENV"); file {
	case "":
	case "off":
		return ""
	default:
		return env.Abs(file)
	}
	dir := env.Getenv("XDG_CONFIG_HOME")
	switch {
	case runtime.GOOS == "windows":
		dir = env.Getenv("AppData")
	case runtime.GOOS == "darwin":
		return inHome(env, "Library", "Application Support", "go", "env")
	case !filepath.IsAbs(dir):
		return inHome(env, ".config", "go", "env")
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "go", "env")
}
