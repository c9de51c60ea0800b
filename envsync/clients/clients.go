// Package clients answers "which clients are there?". It is the table of all sinks.
package clients

import (
	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/ask"
	"github.com/regpass/regpass/envsync/berry"
	"github.com/regpass/regpass/envsync/docker"
	"github.com/regpass/regpass/envsync/netrc"
	"github.com/regpass/regpass/envsync/npmrc"
	"github.com/regpass/regpass/envsync/rattler"
	"github.com/regpass/regpass/envsync/setup"
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
		Name:     "keychain",
		Doc:      "login only: your keychain, where pixi, rattler-build and py-rattler look without a variable",
		Format:   rattler.Keychain,
		Readers:  []string{"pixi", "rattler-build", "py-rattler"},
		Keychain: true,
		Prepare:  rattler.PlanKeychain,
	}, {
		Name: "npm",
		Doc:  "NPM_CONFIG_USERCONFIG and a private .npmrc, a copy of yours with the credentials: npm, pnpm, yarn 1, bun",
		Var:  "NPM_CONFIG_USERCONFIG", File: "npmrc", Format: npmrc.Private,
		Output:  "npmrc",
		Uses:    []string{"package.json", ".npmrc", "pnpm-workspace.yaml", "pnpm-lock.yaml", "yarn.lock", "bunfig.toml"},
		Readers: []string{"npm", "npx", "pnpm", "pnpx", "yarn", "bun", "bunx"},
		Expands: true,
		Named:   true,
		Build:   envsync.Mount{ID: "npmrc", Target: "/run/secrets/npmrc"},
		Prepare: npmrc.Plan,
	}, {
		Name:     "yarn",
		Doc:      "YARN_PLUGINS and a private plugin: yarn 3.2 and later asks for each request to a registry",
		Var:      "YARN_PLUGINS",
		File:     "yarn.cjs",
		Format:   berry.Plugin,
		Programs: []string{berry.Program},
		Uses:     []string{".yarnrc.yml"},
		Expands:  true,
		Readers:  []string{"yarn"},
		Prepare:  berry.Plan,
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
		Name:     "git",
		Doc:      "GIT_CONFIG_…: git, and the clients that run it, ask for the hosts of the registries",
		Format:   ask.Format,
		Programs: []string{"git-credential-regpass"},
		Uses:     []string{".gitmodules"},
		Readers:  []string{"git"},
		Prepare:  planGit,
	}, {
		Name: "docker",
		Doc:  "DOCKER_CONFIG and a private copy of it: docker, buildx, podman, buildah, skopeo, crane, oras and helm ask",
		Var:  "DOCKER_CONFIG", File: "docker/config.json", PointsAtDir: true, Format: docker.Config,
		Programs: []string{"docker-credential-regpass"},
		Uses: []string{"Dockerfile", "*.Dockerfile", "Containerfile", "compose.y*ml", "docker-compose.y*ml",
			"docker-bake.hcl"},
		Readers: []string{"docker", "podman", "buildah", "skopeo", "crane", "oras", "helm"},
		Refuses: docker.Refuses,
		Prepare: docker.Plan,
	}, {
		Name:    "nuget",
		Doc:     "NuGetPackageSourceCredentials_<SOURCE>: dotnet and nuget, for the sources that nuget.config names",
		Uses:    []string{"[Nn]u[Gg]et.[Cc]onfig"},
		Readers: []string{"dotnet", "nuget"},
		Named:   true,
		Refuses: onlyBasic("nuget"),
		Prepare: planNuGet,
	}, {
		Name:    "bundler",
		Doc:     "BUNDLE_<HOST>: bundler",
		Uses:    []string{"Gemfile"},
		Readers: []string{"bundle"},
		Named:   true,
		Refuses: carriesBundler,
		Prepare: planBundler,
	}, {
		Name:    "composer",
		Doc:     "COMPOSER_AUTH: composer",
		Uses:    []string{"composer.json"},
		Readers: []string{"composer"},
		Prepare: planComposer,
	}, {
		Name:    "terraform",
		Doc:     "TF_TOKEN_<HOST>: terraform and tofu",
		Uses:    []string{"*.tf", "*.tofu"},
		Readers: []string{"terraform", "tofu"},
		Refuses: carriesTerraform,
		Prepare: planTerraform,
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

// Python are patterns (path.Match) of files that show that a project's packages are Python's or conda's.
var Python = []string{"pyproject.toml", "setup.py", "setup.cfg", "*requirements*.txt", "Pipfile", "uv.toml", "pip.conf",
	"pixi.toml", "environment*.y*ml", ".condarc", "noxfile.py", "tox.ini"}

// Find returns the sink of that name. The error is regpass.ErrUsage, lists the names, and says of a client's own name
// which sinks that client reads.
func Find(name string) (envsync.Sink, error) {
	s, err := regpass.Pick("sink", name, All, sinkName)
	if hint := Hint(name); err != nil && hint != "" {
		err = regpass.Hintf(err, "%s", hint)
	}
	return s, err
}

// FindFormat returns the format of that name. The error is regpass.ErrUsage and lists the names.
func FindFormat(name string) (envsync.Format, error) {
	var formats []envsync.Format
	for _, s := range All {
		if s.File != "" || s.Format.Set != nil && s.Format.Name != ask.Format.Name {
			formats = append(append(formats, s.Format), s.Variants...)
		}
	}
	for _, c := range setup.All {
		if c.Not == "" {
			formats = append(formats, c.Format)
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
