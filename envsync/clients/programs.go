package clients

import (
	"slices"
	"strings"
)

// Program is a package client, as people know it.
type Program struct {
	Name  string
	Sinks []string // in which it finds a credential, the best first; nil: none
	How   string   // when it reads or asks
	// Survives says what becomes of a run in which the credential ends. Where a client neither asks nor reads again, the
	// credential must last as long as the run.
	Survives string
	Proven   string // what proves it: a version and the test's story, or "documentation"
}

// Programs are the clients, in the order of the README's table.
var Programs = []Program{
	{"uv", []string{"uv", "netrc", "env", "keyring", "uv-publish"}, "reads once; asks once", "no", "uv 0.12.5 and 0.13.9"},
	{"pip", []string{"netrc", "keyring"}, "reads for each request; asks after each 401", "yes", "pip 26"},
	{"poetry", []string{"netrc", "poetry", "poetry-publish"}, "reads the netrc for each request, variables once",
		"yes; no with variables", "poetry 2.5"},
	{"pdm", []string{"netrc", "keyring", "pdm-publish"}, "reads for each request; asks after each 401", "yes", "pdm 2.29"},
	{"hatch", []string{"hatch"}, "reads once, to publish; its environments are uv's and pip's", "no", "hatch 1.18"},
	{"twine", []string{"twine"}, "reads once", "no", "twine 7"},
	{"curl", []string{"netrc"}, "reads for each URL, with `--netrc-file \"$NETRC\"`", "yes", "Debian's 7.88"},
	{"pixi, rattler-build, py-rattler", []string{"rattler", "keychain"}, "reads once", "no",
		"py-rattler 0.28; pixi itself was not available and was not run"},
	{"conda", []string{"netrc", "conda"}, "reads for each request", "yes, unless requests run side by side",
		"documentation: neither PyPI nor Debian has it"},
	{"mamba, micromamba", nil, "reads a file in the home folder, which no variable names", "no", "documentation"},
	{"maven, gradle", nil, "read a file of yours: name REGPASS_USERNAME and REGPASS_TOKEN there, see below", "no",
		"Debian's Maven 3.8, by hand; Gradle: documentation"},
	{"npm, npx", []string{"npm"}, "reads once", "no", "npm 11.19 and 12.2"},
	{"pnpm", []string{"npm"}, "reads once", "no", "pnpm 10.34 and 12.4"},
	{"yarn 1", []string{"npm"}, "reads once; finds only registries that the project names, and needs a yarn.lock", "no",
		"yarn 1.22"},
	{"yarn 3.2 and later", []string{"yarn"}, "a plugin asks for each request", "yes", "yarn 4.18"},
	{"bun", []string{"npm"}, "reads once", "no", "bun 1.4"},
	{"cargo", []string{"cargo"}, "asks when a credential has ended, and for each upload", "yes", "cargo 1.95"},
	{"go", []string{"go"}, "asks after each refusal, over https only", "yes", "go 1.26"},
	{"git", []string{"git"}, "asks once a process", "no", "Debian's 2.39"},
	{"docker, buildx, podman, buildah, skopeo, crane, oras, helm", []string{"docker"},
		"asks; oras and helm again after a 401", "oras and helm", "podman 4.3 and buildah 1.28; the others by documentation"},
	{"dotnet, nuget", []string{"nuget"}, "reads once", "no", "documentation"},
	{"bundler", []string{"bundler"}, "reads once", "no", "Debian's 2.3"},
	{"composer", []string{"composer"}, "reads once", "no", "Debian's 2.5"},
	{"terraform, tofu", []string{"terraform"}, "reads once", "no", "documentation"},
}

// Unserved are programs that read no sink, with what to do instead.
type Unserved struct {
	Name     string
	Programs []string // what people call it
	Uses     []string // patterns (path.Match) of files that show that a project uses it
	Instead  string   // a hint
}

// NoSink are the programs for which there is no sink.
var NoSink = []Unserved{
	{"maven", []string{"maven", "mvn", "mvnw", "mvnd"}, []string{"pom.xml"},
		"write <username>${env.REGPASS_USERNAME}</username> and <password>${env.REGPASS_TOKEN}</password> for the server " +
			"in settings.xml, and add username=NAME to the registry; `regpass exec` sets both, `regpass token` prints one"},
	{"gradle", []string{"gradle", "gradlew"}, []string{"build.gradle", "build.gradle.kts", "settings.gradle*"},
		"write credentials { username = System.getenv(\"REGPASS_USERNAME\"); password = System.getenv(\"REGPASS_TOKEN\") } " +
			"for the repository, and add username=NAME to the registry; `regpass exec` sets both, `regpass token` prints one"},
	{"mamba", []string{"mamba", "micromamba"}, nil,
		"use conda or pixi, which have sinks"},
}

// Hint says to somebody who took the name of a client for the name of a sink where the client finds a credential;
// empty: nothing is known of it.
func Hint(name string) string {
	for _, u := range NoSink {
		if slices.Contains(u.Programs, name) {
			return u.Name + " has no sink: " + u.Instead
		}
	}
	for _, p := range Programs {
		if slices.Contains(strings.Split(p.Name, ", "), name) && len(p.Sinks) > 0 {
			return name + " finds a credential by --to " + strings.Join(p.Sinks, ", ")
		}
	}
	return ""
}
