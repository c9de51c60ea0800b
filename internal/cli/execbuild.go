package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildtool"
	"github.com/regpass/regpass/envsync"
)

// buildFlagsVar is the variable that holds the flags for a build that the command runs itself.
const buildFlagsVar = settingPrefix + "BUILD_FLAGS"

// execSecrets says how exec gives secrets to a container build.
type execSecrets struct {
	flagged  bool            // --secrets
	keepArgs bool            // --no-add-secrets
	build    buildtool.Build // set if builds
	builds   bool            // the command builds an image and gets flags
}

func (x *execSecrets) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&x.flagged, "secrets", false,
		"also write secrets for container builds, and set "+buildFlagsVar+" to the flags for buildx")
	f.BoolVar(&x.keepArgs, "no-add-secrets", false, "add no flags to docker build and the like")
}

// find finds out whether the command builds an image. A build that can take no secrets is an error.
func (x *execSecrets) find(ctx context.Context, env *regpass.Env, command []string) (err error) {
	if x.keepArgs {
		return nil
	}
	x.build, x.builds, err = buildtool.FindBuild(env, command)
	if err != nil || !x.builds || !strings.HasPrefix(x.build.Words, "docker ") {
		return err
	}
	// Without its plugin docker builds with its old builder, which knows no --secret, or knows no such command.
	var failed *exec.ExitError
	if _, err := env.Run(ctx, nil, command[0], "buildx", "version"); !errors.As(err, &failed) {
		return nil // any other error is the command's to report
	}
	return regpass.Hintf(
		fmt.Errorf("exec: `%s` has secrets only with docker's plugin buildx, which is not installed", x.build.Words),
		"install it: `apt-get install docker-buildx-plugin` from Docker's repository, or `apk add docker-cli-buildx`; "+
			"--no-add-secrets leaves the command as it is")
}

// wanted reports whether files for secrets are needed.
func (x *execSecrets) wanted() bool { return x.flagged || x.builds }

// addFlags adds the flags for the files to a command that builds. It also returns the variable with the flags, for a
// build that the command runs itself.
func (x *execSecrets) addFlags(a *app, command []string, files []buildtool.File) ([]string, []envsync.Var, error) {
	dialect := buildtool.Dialects[0].Name
	if x.builds {
		dialect = x.build.Dialect
	}
	d, err := buildtool.FindDialect(dialect)
	if err != nil {
		return nil, nil, err
	}
	line, err := buildtool.OneLine(d.Words(files))
	if err != nil && !x.builds {
		return nil, nil, err
	}
	var vars []envsync.Var
	if err == nil {
		vars = []envsync.Var{{Name: buildFlagsVar, Plain: line}}
	}
	if !x.builds {
		return command, vars, nil
	}
	a.say.notef("exec: `%s` gets the secrets %s; --no-add-secrets leaves the command as it is",
		x.build.Words, strings.Join(buildtool.Mountable(files), ", "))
	command, err = x.build.AddFlags(command, files)
	return command, vars, err
}
