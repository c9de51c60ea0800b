package cli

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
	"github.com/regpass/regpass/envsync"
)

// buildFlagsVar is the variable in which a command finds the flags for a build of its own.
const buildFlagsVar = settingPrefix + "BUILD_FLAGS"

// buildCommand is a command that builds images.
type buildCommand struct {
	words    string // the program and its subcommand
	dialect  string // name in dialects
	switched bool   // DOCKER_BUILDKIT decides whether BuildKit does it
}

// buildCommands are those that exec adds secrets to.
var buildCommands = []buildCommand{
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
		[]string{"--config", "--context", "-c", "--host", "-H", "--log-level", "-l", "--tlscacert", "--tlscert", "--tlskey", "--builder"},
		[]string{"--debug", "-D", "--tls", "--tlsverify"},
	},
	"podman": { // containers/podman, cmd/podman/root.go
		[]string{"--cgroup-manager", "--config", "--conmon", "--connection", "-c", "--events-backend", "--hooks-dir", "--identity", "--imagestore",
			"--log-level", "--module", "--network-cmd-path", "--network-config-dir", "--out", "--root", "--runroot", "--runtime", "--runtime-flag",
			"--ssh", "--storage-driver", "--storage-opt", "--tmpdir", "--url", "--volumepath"},
		[]string{"--noout", "--remote", "-r", "--syslog", "--transient-store"},
	},
	"buildah": { // containers/buildah, cmd/buildah/main.go
		[]string{"--cgroup-manager", "--log-level", "--registries-conf", "--registries-conf-dir", "--root", "--runroot", "--short-name-alias-conf",
			"--storage-driver", "--storage-opt", "--userns-gid-map", "--userns-uid-map"},
		nil,
	},
}

// findBuild looks for a subcommand that builds; at is where its flags may begin. It gives up at a flag that it does
// not know, for the next word may or may not belong to it.
func findBuild(command []string) (b buildCommand, at int, ok bool) {
	program := strings.TrimSuffix(filepath.Base(command[0]), ".exe")
	flags, words := globalFlags[program], program
	for i := 1; i < len(command); i++ {
		w := command[i]
		name, _, attached := strings.Cut(w, "=")
		switch {
		case !strings.HasPrefix(w, "-"):
			words += " " + w
			if n := slices.IndexFunc(buildCommands, func(b buildCommand) bool { return b.words == words }); n >= 0 {
				return buildCommands[n], i + 1, true
			}
		case slices.Contains(flags.plain, name), attached && slices.Contains(flags.valued, name):
		case slices.Contains(flags.valued, w):
			i++
		case len(w) > 2 && w[1] != '-' && slices.Contains(flags.valued, w[:2]): // -HADDRESS
		default:
			return buildCommand{}, 0, false
		}
	}
	return buildCommand{}, 0, false
}

// execSecrets is how exec gives secrets to a container build.
type execSecrets struct {
	asked, leave bool // --secrets, --no-add-secrets
	build        buildCommand
	at           int
	add          bool // the command builds, and gets the flags
}

func (x *execSecrets) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&x.asked, "secrets", false, "also write secrets for container builds, with the flags for buildx in "+buildFlagsVar)
	f.BoolVar(&x.leave, "no-add-secrets", false, "leave docker build and the like as they are, rather than adding flags for the secrets")
}

// find looks whether the command builds, and whether it can take secrets. Docker's old builder has none.
func (x *execSecrets) find(env *regpass.Env, command []string) error {
	if x.leave {
		return nil
	}
	x.build, x.at, x.add = findBuild(command)
	on, err := strconv.ParseBool(env.Getenv("DOCKER_BUILDKIT"))
	if x.build.switched && err == nil && !on { // what is no boolean is docker's to refuse
		return regpass.Hintf(regpass.Usagef("exec: DOCKER_BUILDKIT switches BuildKit off, and without it `%s` has no secrets", x.build.words),
			"unset it, or use `docker buildx build`; --no-add-secrets leaves the command as it is")
	}
	return nil
}

// wanted reports whether files for secrets are needed.
func (x *execSecrets) wanted() bool { return x.asked || x.add }

// tell has the command know of the files: by flags right behind its subcommand, if it is one that builds, and by a
// variable.
func (x *execSecrets) tell(a *app, command []string, files []secretFile) ([]string, []envsync.Var, error) {
	name := dialects[0].name
	if x.add {
		name = x.build.dialect
	}
	d, err := findDialect(name)
	if err != nil {
		return nil, nil, err
	}
	words := d.words(files)
	line, err := oneLine(words)
	if err != nil && !x.add {
		return nil, nil, err
	}
	var vars []envsync.Var
	if err == nil {
		vars = []envsync.Var{{Name: buildFlagsVar, Plain: line}}
	}
	if !x.add {
		return command, vars, nil
	}
	var ids []string
	for _, f := range files {
		if f.Use != secret.ForDaemon {
			ids = append(ids, f.ID)
		}
	}
	a.say.notef("exec: `%s` gets the secrets %s; --no-add-secrets leaves the command as it is", x.build.words, strings.Join(ids, ", "))
	return slices.Insert(slices.Clone(command), x.at, words...), vars, nil
}
