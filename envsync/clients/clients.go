// Package clients answers "which clients are there?". It is the table of all sinks.
package clients

import (
	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/ask"
	"github.com/regpass/regpass/envsync/netrc"
	"github.com/regpass/regpass/envsync/rattler"
	"github.com/regpass/regpass/envsync/uv"
)

// All are the sinks, in the order in which help shows them.
var All = []envsync.Sink{
	{
		Name: "env",
		Doc: "variables: the registry's own, AWS_* for s3, otherwise REGPASS_TOKEN; if --to names it, " +
			"UV_INDEX_<NAME>_USERNAME and _PASSWORD for a registry with name=NAME",
		Default: true,
		Prepare: envsync.PlanVars,
	}, {
		Name: "netrc",
		Doc:  "NETRC and a private netrc: pip, uv, requests, pixi, and curl with --netrc-file \"$NETRC\"",
		Var:  "NETRC", File: "netrc", Format: netrc.Private, Variants: []envsync.Format{netrc.InPlace},
		Default: true,
		Readers: []string{"pip", "curl", "requests", "uv"},
		Build:   envsync.Mount{ID: "netrc", Target: "/run/secrets/netrc"},
		Output:  "netrc",
		InPlace: envsync.InPlace{Flag: "netrc-file", TakesFile: true,
			Doc: "netrc: change this `FILE` in place instead of making a private one"},
		Prepare: netrc.Plan,
	}, {
		Name: "rattler",
		Doc:  "RATTLER_AUTH_FILE and a private file: pixi, rattler-build, py-rattler",
		Var:  "RATTLER_AUTH_FILE", File: "rattler.json", Format: rattler.Exact, Variants: []envsync.Format{rattler.Wildcard},
		Default: true,
		Readers: []string{"pixi", "rattler-build", "py-rattler"},
		Build:   envsync.Mount{ID: "rattler", Target: "/run/secrets/rattler"},
		Output:  "rattler-auth-file",
		InPlace: envsync.InPlace{Flag: "rattler-home",
			Doc: "rattler: change ~/.rattler/credentials.json in place instead of making a private file"},
		Prepare: rattler.Plan,
	}, {
		// uv locks a file beside its store. A credential with a user name does not need the store: uv also reads the
		// netrc and UV_INDEX_*.
		Name: "uv",
		Doc:  "UV_CREDENTIALS_DIR and a private credentials.toml: uv, with bearer tokens too",
		Var:  "UV_CREDENTIALS_DIR", File: "uv/credentials.toml", PointsAtDir: true, Format: uv.Store,
		Default: true,
		Readers: []string{"uv"},
		Build:   envsync.Mount{ID: "uv", Target: "/run/regpass-uv/credentials.toml"},
		Output:  "uv-credentials-dir",
		Prepare: uv.Plan,
	}, {
		Name: "keyring",
		Doc: "a `keyring` on PATH: pip, uv and pdm ask it for an index by its URL, with its port and path, uv only where " +
			"the URL names a user or the index has authenticate = \"always\"; by default for what a netrc cannot tell apart",
		Format:   ask.Format,
		Programs: []string{"keyring"},
		Readers:  []string{"pip", "uv", "pdm"},
		Prepare:  planKeyring,
	}, {
		Name:     "go",
		Doc:      "GOAUTH: go asks for each module proxy and repository that refuses it",
		Format:   ask.Format,
		Programs: []string{"goauth-regpass"},
		Uses:     []string{"go.mod", "go.work"},
		Readers:  []string{"go"},
		Prepare:  planGo,
	}, {
		Name:     "cargo",
		Doc:      "CARGO_REGISTRIES_<NAME>_CREDENTIAL_PROVIDER: cargo asks for the registries that .cargo/config.toml names",
		Format:   ask.Format,
		Programs: []string{"cargo-credential-regpass"},
		Uses:     []string{"Cargo.toml"},
		Readers:  []string{"cargo"},
		Named:    true,
		Prepare:  planCargo,
	}, {
		Name: "conda",
		Doc: "BINSTAR_CONFIG_DIR and a file for each conda token, which conda reads for each request; by default where the " +
			"project or the command is conda's",
		Format:  condaToken,
		Runs:    []string{"conda"},
		Uses:    []string{"environment*.yml", "environment*.yaml", ".condarc", "conda-lock.yml"},
		Prepare: planConda,
	}, {
		Name: "poetry",
		Doc: "POETRY_HTTP_BASIC_<NAME>_*, for the sources in pyproject.toml; poetry reads them once and sends them to the " +
			"URL that the project gives the source, so only if --to names it: by default poetry reads the netrc",
		Readers: []string{"poetry"},
		Named:   true,
		Prepare: planPoetry,
	}, {
		Name:    "twine",
		Doc:     "TWINE_*, to upload: by default for a command that is `twine upload`",
		Runs:    twine.runs,
		Prepare: twine.plan,
	}, {
		Name:    "uv-publish",
		Doc:     "UV_PUBLISH_*, to upload: by default for a command that is `uv publish`",
		Runs:    uvPublish.runs,
		Prepare: uvPublish.plan,
	}, {
		Name:    "hatch",
		Doc:     "HATCH_INDEX_*, to upload: by default for a command that is `hatch publish`",
		Runs:    hatch.runs,
		Prepare: hatch.plan,
	}, {
		Name:    "pdm-publish",
		Doc:     "PDM_PUBLISH_*, to upload: by default for a command that is `pdm publish`",
		Runs:    pdmPublish.runs,
		Prepare: pdmPublish.plan,
	}, {
		Name: "poetry-publish",
		Doc: "POETRY_REPOSITORIES_<NAME>_URL and POETRY_PYPI_TOKEN_<NAME>, to upload: by default for a command that is " +
			"`poetry publish`, whose --repository is NAME",
		Runs:    poetryPublish.runs,
		Prepare: poetryPublish.plan,
	},
}

// Find returns the sink of that name. The error is regpass.ErrUsage and lists the names.
func Find(name string) (envsync.Sink, error) {
	return regpass.Pick("sink", name, All, sinkName)
}

// FindFormat returns the format of that name. The error is regpass.ErrUsage and lists the names.
func FindFormat(name string) (envsync.Format, error) {
	var formats []envsync.Format
	for _, s := range All {
		if s.Format.Set != nil && len(s.Programs) == 0 {
			formats = append(append(formats, s.Format), s.Variants...)
		}
	}
	return regpass.Pick("file format", name, formats, func(f envsync.Format) string { return f.Name })
}

// Names lists the names of sinks, in their order.
func Names(sinks []envsync.Sink) []string {
	var names []string
	for _, s := range sinks {
		names = append(names, s.Name)
	}
	return names
}

// Defaults are the sinks to use if none is named. With vars they include those that only set variables, which a command
// or a later step can see.
func Defaults(vars bool) []envsync.Sink {
	var sinks []envsync.Sink
	for _, s := range All {
		if s.Default && (vars || s.File != "") {
			sinks = append(sinks, s)
		}
	}
	return sinks
}

func sinkName(s envsync.Sink) string { return s.Name }
