package buildtool

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

// Dialect is the form in which a build program takes secrets.
type Dialect struct {
	Name, Doc string
	// Words returns the flags, one element for each word; nil: the program takes a file instead.
	Words func([]File) []string
	// Text returns the flags on one line, for a person or a shell, or the file. The error is regpass.ErrUsage.
	Text func([]File) (string, error)
	// Note returns the other flags that the user must pass, in a sentence; nil: there are none.
	Note func([]File) string
}

// Dialects are the build programs, the default first.
var Dialects = []Dialect{
	{Name: "buildx", Doc: "flags for docker build and docker buildx build", Words: buildxWords,
		Text: plainWords(buildxWords)},
	{Name: "bake",
		Doc:   "flags for docker buildx bake (0.22 or newer): every target may read the secrets",
		Words: bakeWords, Text: plainWords(bakeWords)},
	{Name: "bake-file", Doc: "a file to add to bake with -f: the secrets of targets that inherit from \"regpass\"",
		Text: bakeFileText, Note: bakeFileAllow},
	{Name: "compose", Doc: "a file to add with -f: the secrets for build.secrets of services", Text: composeText},
	{Name: "podman", Doc: "flags for podman build", Words: podmanWords, Text: plainWords(podmanWords)},
	{Name: "buildah", Doc: "flags for buildah build", Words: podmanWords, Text: plainWords(podmanWords)},
	{Name: "json", Doc: "ids, files, hosts, and how a step mounts each", Text: jsonText},
}

// FindDialect returns the dialect of that name. The error is regpass.ErrUsage and lists the names.
func FindDialect(name string) (Dialect, error) {
	return regpass.Pick("format", name, Dialects, func(d Dialect) string { return d.Name })
}

func buildxWords(files []File) []string {
	var words []string
	for _, f := range files {
		words = append(words, "--secret", f.flag())
	}
	return words
}

// podmanWords leaves out the secrets that only BuildKit asks for.
func podmanWords(files []File) []string {
	return buildxWords(slices.DeleteFunc(slices.Clone(files), func(f File) bool { return f.Use == secret.ForDaemon }))
}

// bakeWords adds to the secrets of all targets. A bake file could do so only for targets that inherit from it, and to
// name one switches off the files that bake finds by itself.
func bakeWords(files []File) []string {
	var words []string
	for _, allow := range secret.BakeAllow(userDefined(files)) {
		words = append(words, "--allow", allow)
	}
	for _, f := range files {
		words = append(words, "--set", "*.secrets+="+f.flag())
	}
	return words
}

func bakeFileText(files []File) (string, error) {
	text, err := secret.BakeFile(userDefined(files))
	return string(text), err
}

func bakeFileAllow(files []File) string {
	return "bake must be told that it may read the files: --allow " +
		strings.Join(secret.BakeAllow(userDefined(files)), " --allow ")
}

// plainWord matches what a shell takes as one word without quotes. A * is safe as long as no file has a matching name.
var plainWord = regpass.Pattern(`^[A-Za-z0-9_./:@%+=,*-]+$`)

// OneLine joins words for an unquoted $(…). The error is regpass.ErrUsage.
func OneLine(words []string) (string, error) {
	for _, w := range words {
		if !plainWord().MatchString(w) {
			return "", regpass.Hintf(regpass.Usagef("secrets: %s is more than one word to a shell", regpass.Quote(w)),
				"set REGPASS_SESSION_DIR to a folder whose name has no spaces or quotes, or use --format json")
		}
	}
	return strings.Join(words, " "), nil
}

func plainWords(words func([]File) []string) func([]File) (string, error) {
	return func(files []File) (string, error) { return OneLine(words(files)) }
}

// composeText is a Compose file (https://github.com/compose-spec/compose-spec/blob/main/09-secrets.md). The names of
// secrets cannot have a colon there, so the secrets that BuildKit asks for by a host with a port are left out.
func composeText(files []File) (string, error) {
	var b strings.Builder
	b.WriteString("secrets:\n")
	for _, f := range files {
		if notInFileName().MatchString(f.ID) {
			continue
		}
		path, err := json.Marshal(f.Path) // JSON strings are YAML's
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
	Mount string            `json:"mount,omitempty"` // flags for RUN; none for a secret that BuildKit asks for by itself
	Vars  map[string]string `json:"vars,omitempty"`  // to set in a step that mounts it, so that clients find it
}

func jsonText(files []File) (string, error) {
	all := []secretReport{}
	for _, f := range files {
		r := secretReport{ID: f.ID, Path: f.Path, Hosts: f.Hosts, Mount: f.Mount()}
		if f.Var != "" {
			r.Vars = map[string]string{f.Var: f.Points()}
		}
		all = append(all, r)
	}
	text, err := json.MarshalIndent(all, "", "  ")
	return string(text), err
}
