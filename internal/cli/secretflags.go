package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

// dialect is how a build program is told of secrets.
type dialect struct {
	name, doc string
	// words are the flags, one a word; nil: the program takes a file instead.
	words func([]secretFile) []string
	// text is what `secrets` prints.
	text func([]secretFile) (string, error)
	// besides says what the program has to be told besides; nil: nothing.
	besides func([]secretFile) string
}

// dialects are the build programs that `secrets` speaks to, the default first.
var dialects = []dialect{
	{name: "buildx", doc: "flags for docker build and docker buildx build", words: buildxWords, text: plainWords(buildxWords)},
	{name: "bake", doc: "flags for docker buildx bake (0.22 or newer): the secrets of every target, and leave to read them", words: bakeWords, text: plainWords(bakeWords)},
	{name: "bake-file", doc: "a file to add to bake with -f: the secrets of targets that inherit from \"regpass\"", text: bakeFileText, besides: bakeFileAllow},
	{name: "compose", doc: "a file to add with -f: the secrets for build.secrets of services", text: composeText},
	{name: "podman", doc: "flags for podman build", words: podmanWords, text: plainWords(podmanWords)},
	{name: "buildah", doc: "flags for buildah build", words: podmanWords, text: plainWords(podmanWords)},
	{name: "json", doc: "ids, files, hosts, and how a step mounts each", text: jsonText},
}

func findDialect(name string) (dialect, error) {
	var names []string
	for _, d := range dialects {
		if d.name == name {
			return d, nil
		}
		names = append(names, d.name)
	}
	return dialect{}, regpass.Usagef("there is no format %s; there are %s", regpass.Quote(name), strings.Join(names, ", "))
}

// flag is the value of --secret. Files, never env: a variable is read once, a file anew for each step.
func (f secretFile) flag() string { return f.user().String() }

func (f secretFile) user() secret.UserDefined {
	return secret.UserDefined{ID: f.ID, Src: f.change.Path}
}

func users(files []secretFile) []secret.UserDefined {
	var all []secret.UserDefined
	for _, f := range files {
		all = append(all, f.user())
	}
	return all
}

func buildxWords(files []secretFile) []string {
	var words []string
	for _, f := range files {
		words = append(words, "--secret", f.flag())
	}
	return words
}

// podmanWords leave out what only BuildKit asks for.
func podmanWords(files []secretFile) []string {
	return buildxWords(slices.DeleteFunc(slices.Clone(files), func(f secretFile) bool { return f.Use == secret.ForDaemon }))
}

// bakeWords add to the secrets that the targets have. A bake file can do that only for targets that want it, and naming
// one switches off the files that bake finds by itself.
func bakeWords(files []secretFile) []string {
	var words []string
	for _, leave := range secret.BakeAllow(users(files)) {
		words = append(words, "--allow", leave)
	}
	for _, f := range files {
		words = append(words, "--set", "*.secrets+="+f.flag())
	}
	return words
}

func bakeFileText(files []secretFile) (string, error) {
	text, err := secret.BakeFile(users(files))
	return string(text), err
}

func bakeFileAllow(files []secretFile) string {
	return "bake is to be told that it may read the files: --allow " + strings.Join(secret.BakeAllow(users(files)), " --allow ")
}

// plainWord is what a shell takes as one word without quotes. A * is taken too, where no file has a name like that.
var plainWord = regpass.Pattern(`^[A-Za-z0-9_./:@%+=,*-]+$`)

// oneLine writes words for $(…) without quotes.
func oneLine(words []string) (string, error) {
	for _, w := range words {
		if !plainWord().MatchString(w) {
			return "", regpass.Hintf(regpass.Usagef("secrets: %s is more than one word to a shell", regpass.Quote(w)),
				"set REGPASS_SESSION_DIR to a folder without spaces and the like in its name, or use --format json")
		}
	}
	return strings.Join(words, " "), nil
}

func plainWords(words func([]secretFile) []string) func([]secretFile) (string, error) {
	return func(files []secretFile) (string, error) { return oneLine(words(files)) }
}

// composeText is a Compose file (https://github.com/compose-spec/compose-spec/blob/main/09-secrets.md). The names of
// secrets have no colon there, so what BuildKit asks for a host with a port has none.
func composeText(files []secretFile) (string, error) {
	var b strings.Builder
	b.WriteString("secrets:\n")
	for _, f := range files {
		if notInFileName().MatchString(f.ID) {
			continue
		}
		path, err := json.Marshal(f.change.Path) // JSON strings are YAML's
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "  %q:\n    file: %s\n", f.ID, strings.ReplaceAll(string(path), "$", "$$"))
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// secretReport is one secret in JSON, which only ever grows.
type secretReport struct {
	ID    string            `json:"id"`
	Path  string            `json:"path"`
	Hosts []string          `json:"hosts"`
	Mount string            `json:"mount,omitempty"` // flags for RUN; none for what BuildKit asks for by itself
	Vars  map[string]string `json:"vars,omitempty"`  // what to set in a step that mounts it, so that clients find it
}

func jsonText(files []secretFile) (string, error) {
	all := []secretReport{}
	for _, f := range files {
		r := secretReport{ID: f.ID, Path: f.change.Path, Hosts: f.Hosts, Mount: f.Mount()}
		if f.Var != "" {
			r.Vars = map[string]string{f.Var: f.Points()}
		}
		all = append(all, r)
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return string(text), err
}
