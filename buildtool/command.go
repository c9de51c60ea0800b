package buildtool

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

// Command is a command that builds images.
type Command struct {
	Words    string // the program and its subcommand
	Dialect  string // name in Dialects
	switched bool   // DOCKER_BUILDKIT decides whether BuildKit does it
}

// Commands are those that take secrets.
var Commands = []Command{
	{"docker build", "buildx", true},
	{"docker image build", "buildx", true},
	{"docker builder build", "buildx", true},
	{"docker buildx build", "buildx", false},
	{"docker buildx b", "buildx", false},
	{"docker buildx bake", "bake", false},
	{"docker buildx f", "bake", false},
	{"docker bake", "bake", false},
	{"podman build", "podman", false},
	{"podman image build", "podman", false},
	{"podman buildx build", "podman", false},
	{"buildah build", "buildah", false},
	{"buildah bud", "buildah", false},
	{"buildah build-using-dockerfile", "buildah", false},
}

// globalFlags are the flags that may stand before a program's subcommand: those whose value is the next word, and
// those without one.
var globalFlags = map[string]struct{ valued, plain []string }{
	"docker": { // docker/cli, cli/flags/options.go; docker/buildx, commands/root.go
		[]string{"--config", "--context", "-c", "--host", "-H", "--log-level", "-l",
			"--tlscacert", "--tlscert", "--tlskey", "--builder"},
		[]string{"--debug", "-D", "--tls", "--tlsverify"},
	},
	"podman": { // containers/podman, cmd/podman/root.go
		[]string{"--cgroup-manager", "--config", "--conmon", "--connection", "-c", "--events-backend", "--hooks-dir",
			"--identity", "--imagestore", "--log-level", "--module", "--network-cmd-path", "--network-config-dir", "--out",
			"--root", "--runroot", "--runtime", "--runtime-flag",
			"--ssh", "--storage-driver", "--storage-opt", "--tmpdir", "--url", "--volumepath"},
		[]string{"--noout", "--remote", "-r", "--syslog", "--transient-store"},
	},
	"buildah": { // containers/buildah, cmd/buildah/main.go
		[]string{"--cgroup-manager", "--log-level", "--registries-conf", "--registries-conf-dir", "--root", "--runroot",
			"--short-name-alias-conf",
			"--storage-driver", "--storage-opt", "--userns-gid-map", "--userns-uid-map"},
		nil,
	},
}

// Build is a Command that was found in a command line.
type Build struct {
	Command
	At int // where its flags may begin: an index into the words of the command line
}

// FindBuild looks for a command that builds images. Docker's old builder takes no secrets, so where the variable
// DOCKER_BUILDKIT chooses it the error is regpass.ErrUsage.
func FindBuild(env *regpass.Env, command []string) (b Build, ok bool, err error) {
	if b, ok = find(command); !ok {
		return Build{}, false, nil
	}
	on, err := strconv.ParseBool(env.Getenv("DOCKER_BUILDKIT"))
	if b.switched && err == nil && !on { // a value that is no boolean is docker's to refuse
		return Build{}, false, regpass.Hintf(
			regpass.Usagef("exec: DOCKER_BUILDKIT switches BuildKit off, and without it `%s` has no secrets", b.Words),
			"unset it, or use `docker buildx build`; --no-add-secrets leaves the command as it is")
	}
	return b, true, nil
}

// find gives up at a flag that it does not know, since the next word may or may not belong to it.
func find(command []string) (b Build, ok bool) {
	program := strings.TrimSuffix(filepath.Base(command[0]), ".exe")
	flags, words := globalFlags[program], program
	for i := 1; i < len(command); i++ {
		w := command[i]
		name, _, attached := strings.Cut(w, "=")
		switch {
		case !strings.HasPrefix(w, "-"):
			words += " " + w
			if n := slices.IndexFunc(Commands, func(c Command) bool { return c.Words == words }); n >= 0 {
				return Build{Commands[n], i + 1}, true
			}
		case slices.Contains(flags.plain, name), attached && slices.Contains(flags.valued, name):
		case slices.Contains(flags.valued, w):
			i++
		case len(w) > 2 && w[1] != '-' && slices.Contains(flags.valued, w[:2]): // -HADDRESS
		default:
			return Build{}, false
		}
	}
	return Build{}, false
}

// AddFlags puts the flags for the files right behind the subcommand.
func (b Build) AddFlags(command []string, files []File) ([]string, error) {
	d, err := FindDialect(b.Dialect)
	if err != nil {
		return nil, err
	}
	return slices.Insert(slices.Clone(command), b.At, d.Words(files)...), nil
}

// Mountable lists the ids of the files that a step can mount.
func Mountable(files []File) []string {
	var ids []string
	for _, f := range files {
		if f.Use != secret.ForDaemon {
			ids = append(ids, f.ID)
		}
	}
	return ids
}
