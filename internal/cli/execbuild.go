package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildtool"
	"github.com/regpass/regpass/envsync"
)

// buildFlagsVar is the variable in which a command finds the flags for a build of its own.
const buildFlagsVar = settingPrefix + "BUILD_FLAGS"

// execSecrets is how exec gives secrets to a container build.
type execSecrets struct {
	asked, leave bool // --secrets, --no-add-secrets
	build        buildtool.Build
	add          bool // the command builds, and gets the flags
}

func (x *execSecrets) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&x.asked, "secrets", false,
		"also write secrets for container builds, with the flags for buildx in "+buildFlagsVar)
	f.BoolVar(&x.leave, "no-add-secrets", false,
		"leave docker build and the like as they are, rather than adding flags for the secrets")
}

// find looks whether the command builds, and whether it can take secrets.
func (x *execSecrets) find(env *regpass.Env, command []string) (err error) {
	if !x.leave {
		x.build, x.add, err = buildtool.FindBuild(env, command)
	}
	return err
}

// wanted reports whether files for secrets are needed.
func (x *execSecrets) wanted() bool { return x.asked || x.add }

// tell adds flags for the files to the command, if it is one that builds, and sets a variable to them for a build that
// the command may run itself.
func (x *execSecrets) tell(a *app, command []string, files []buildtool.File) ([]string, []envsync.Var, error) {
	dialect := buildtool.Dialects[0].Name
	if x.add {
		dialect = x.build.Dialect
	}
	d, err := buildtool.FindDialect(dialect)
	if err != nil {
		return nil, nil, err
	}
	line, err := buildtool.OneLine(d.Words(files))
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
	a.say.notef("exec: `%s` gets the secrets %s; --no-add-secrets leaves the command as it is",
		x.build.Words, strings.Join(buildtool.Mountable(files), ", "))
	command, err = x.build.AddFlags(command, files)
	return command, vars, err
}
