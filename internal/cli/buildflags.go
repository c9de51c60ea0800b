package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit"
	"github.com/regpass/regpass/buildkit/builder"
	"github.com/regpass/regpass/buildkit/plan"
	"github.com/regpass/regpass/buildkit/secret"
)

// The values of --inject.
const (
	injectClients = "clients"
	injectAll     = "all"
)

// buildFlags are the flags of docker buildx build, and those of regpass.
type buildFlags struct {
	credential credentialFlags
	options    plan.Options
	ask        builder.Ask
	registries []string
	secrets    []string
	inject     string
	isolate    string
	progress   string
	idFile     string
	metadata   string
}

func (f *buildFlags) add(a *app, cmd *cobra.Command) {
	f.credential.add(a, cmd)
	fl, o := cmd.Flags(), &f.options
	for _, x := range []struct {
		name, short string
		to          any // *string, *bool or *[]string
		doc         string
	}{
		{"add-host", "", &o.AddHosts, "an address for a host in steps, `HOST:ADDRESS`"},
		{"addr", "", &f.ask.Addr, "`ADDRESS` of the BuildKit to use; by default BUILDKIT_HOST, buildx's current builder, " +
			"Docker, or the one on this machine"},
		{"allow", "", &o.Allow, "grant steps an `ENTITLEMENT`: network.host, security.insecure, device"},
		{"annotation", "", &o.Annotations, "annotate the image with `KEY=VALUE`"},
		{"attest", "", &o.Attests, "`ATTESTATION` to add: type=TYPE,…"},
		{"build-arg", "", &o.BuildArgs, "build argument `NAME=VALUE`; NAME alone takes the variable's value"},
		{"build-context", "", &o.BuildContexts, "further context `NAME=PLACE`"},
		{"builder", "", &f.ask.Builder, "`NAME` of the buildx builder to use"},
		{"cache-from", "", &o.CacheFrom, "`CACHE` to read, type=TYPE,… or an image"},
		{"cache-to", "", &o.CacheTo, "`CACHE` to write, type=TYPE,… or an image"},
		{"file", "f", &o.File, "the Dockerfile's `PATH`; - is standard input"},
		{"iidfile", "", &f.idFile, "write the image's id to a `FILE`"},
		{"isolate", "", &f.isolate, "on a shared builder: end the ids of secrets in -`TENANT`, so that no step runs " +
			"with another tenant's secret"},
		{"label", "", &o.Labels, "label the image with `KEY=VALUE`"},
		{"load", "", &o.Load, "load the image into Docker"},
		{"metadata-file", "", &f.metadata, "write the builder's description of the image to a `FILE`, as JSON"},
		{"network", "", &o.Network, "`NETWORK` of steps: default, host or none"},
		{"no-cache", "", &o.NoCache, "run every step"},
		{"no-history", "", &o.NoHistory, "have the builder keep no record of the build, nor of its log"},
		{"output", "o", &o.Outputs, "`OUTPUT` to make: type=image|registry|oci|docker|local|tar,dest=PATH,… or a folder"},
		{"platform", "", &o.Platforms, "`PLATFORMS` to build for"},
		{"progress", "", &f.progress, "`FORM` of progress: " + strings.Join(buildkit.Modes, ", ")},
		{"provenance", "", &o.Provenance, "`PROVENANCE` to attest: true, false or mode=min|max,…"},
		{"pull", "", &o.Pull, "ask the registry for every base image"},
		{"push", "", &o.Push, "push the image to its registry"},
		{"registry", "", &f.registries, "`REGISTRY` whose credentials steps may ask for; by default as with the other verbs"},
		{"sbom", "", &o.SBOM, "`SBOM` to attest: true, false or generator=IMAGE,…"},
		{"secret", "", &f.secrets, "further `SECRET`: id=ID,src=FILE or id=ID,env=VARIABLE"},
		{"shm-size", "", &o.ShmSize, "`SIZE` of steps' shared memory, such as 64m"},
		{"ssh", "", &o.SSH, "ssh `AGENT` for steps: default or ID=SOCKET or ID=KEY,…"},
		{"tag", "t", &o.Tags, "`NAME` of the image"},
		{"target", "", &o.Target, "`STAGE` to build"},
		{"ulimit", "", &o.Ulimits, "limit of steps, `NAME=SOFT:HARD`"},
	} {
		switch to := x.to.(type) {
		case *string:
			fl.StringVarP(to, x.name, x.short, "", x.doc)
		case *bool:
			fl.BoolVarP(to, x.name, x.short, false, x.doc)
		case *[]string:
			fl.StringArrayVarP(to, x.name, x.short, nil, x.doc)
		}
	}
	fl.StringVar(&f.inject, "inject", "", "give the secrets to steps with no change to the Dockerfile: `WHICH` is "+
		"clients, for those that use a package client, or all, for those that run a script as well")
	fl.Lookup("inject").NoOptDefVal = injectClients
}

// check fills in the flags that buildx takes from variables, and refuses values that cannot be right.
func (f *buildFlags) check(a *app) error {
	if f.progress == "" {
		f.progress = "auto"
		if _, v := a.env.Lookup("BUILDKIT_PROGRESS"); v != "" {
			f.progress = v
		}
	}
	if _, platform := a.env.Lookup("DOCKER_DEFAULT_PLATFORM"); platform != "" && len(f.options.Platforms) == 0 {
		f.options.Platforms = []string{platform}
	}
	flag, _ := f.credential.stdin()
	stdin := f.options.Context == "-" || f.options.File == "-"
	if _, err := regpass.Pick("--progress", f.progress, buildkit.Modes, func(m string) string { return m }); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	switch {
	case !slices.Contains([]string{"", injectClients, injectAll}, f.inject):
		return regpass.Usagef("build: --inject has no value, or is --inject=%s", injectAll)
	case stdin && flag != "":
		return regpass.Usagef("build: standard input can't be both the build's and the credential's")
	}
	return nil
}

func (f *buildFlags) userSecrets() ([]secret.UserDefined, error) {
	var all []secret.UserDefined
	for _, text := range f.secrets {
		s, err := secret.ParseFlag(text)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// prepareFiles checks the paths of --iidfile and --metadata-file before the build. It removes the file of --iidfile,
// since an earlier build's id must not pass for this build's.
func (f *buildFlags) prepareFiles(a *app) error {
	for _, path := range []string{f.idFile, f.metadata} {
		if path == "" {
			continue
		}
		at, err := a.env.Output(path)
		if err != nil {
			return err
		}
		if path != f.idFile {
			continue
		}
		if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// write writes the files of --iidfile and --metadata-file.
func (f *buildFlags) write(a *app, r buildkit.Result) error {
	if err := writeOutput(a.env, f.idFile, []byte(r.ImageID())); err != nil || f.metadata == "" {
		return err
	}
	text, err := r.JSON()
	if err != nil {
		return err
	}
	return writeOutput(a.env, f.metadata, text)
}

// writeOutput writes a file that a flag names; an empty path is none. Its mode is 0666 less the umask.
func writeOutput(env *regpass.Env, path string, content []byte) error {
	if path == "" {
		return nil
	}
	at, err := env.Output(path)
	if err != nil {
		return err
	}
	return os.WriteFile(at, content, 0o666)
}
