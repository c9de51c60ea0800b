package cli

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/registry"
)

const oneByOne = "name the registries one by one: each needs a job or a step with a key of its own"

// filled is what a recipe's template is filled with.
type filled struct {
	Registries []string  // as they are written, one a line
	Args       string    // the same as words of a shell
	Identity   bool      // a registry gets an identity
	Tokens     []idToken // what to declare before the job begins
	Keys       []string  // variables that must hold keys
	Run        string    // the project's own command, as an example

	notes []string // what the recipe cannot do
}

// idToken is an ID token that the CI makes before the job begins.
type idToken struct{ Variable, Audience string }

// fill finds out what a job needs for each registry: an identity where the CI can give one that is for it alone, else
// a key.
func (a *app) fill(r ci.System, refs []regpass.Ref) (filled, error) {
	f := filled{Run: "uv sync"}
	if _, err := os.Stat(filepath.Join(a.env.Dir, "pixi.toml")); err == nil {
		f.Run = "pixi install"
	}
	shown := map[string]string{} // audience: the endpoint that its token is shown to
	general := ""                // the endpoint that REGPASS_API_KEY goes to
	for _, ref := range refs {
		row, err := registry.Find(a.env, ref)
		if err != nil {
			return filled{}, err
		}
		endpoint, _, err := a.serves(row, ref, registry.OIDC)
		if err != nil {
			return filled{}, err
		}
		if err := f.name(row, ref); err != nil {
			return filled{}, err
		}
		why := ""
		if row.OIDC && r.Tokens != ci.NoTokens {
			if why = f.identity(r, row.Audience(a.env, ref), endpoint, shown); why == "" {
				f.Identity = true
				continue
			}
		}
		keys := keyVars(row, ref)
		if why != "" {
			f.notes = append(f.notes, fmt.Sprintf("%s: %s; so the recipe has a key for it, in %s", ref, why, keys[0]))
		}
		if keys[0] == settingPrefix+"API_KEY" {
			if general != "" && general != endpoint {
				return filled{}, regpass.Hintf(regpass.Usagef("init: %s is one key, but %s and %s both would get it", keys[0], general, endpoint),
					oneByOne)
			}
			general = endpoint
		}
		for _, k := range keys {
			f.Keys = appendNew(f.Keys, k)
		}
	}
	if general != "" && f.Identity { // see app.proof
		return filled{}, regpass.Hintf(regpass.Usagef("init: %sAPI_KEY, which %s needs, goes before an identity: the others would get it too", settingPrefix, general), oneByOne)
	}
	f.Args = shellWords(f.Registries)
	return f, nil
}

// identity declares the token for a registry where it must be declared, or says why there can be none.
func (f *filled) identity(r ci.System, audience, endpoint string, shown map[string]string) (why string) {
	if r.Tokens == ci.AnyAudience {
		return ""
	}
	before, declared := shown[audience]
	switch {
	case audience == "":
		return r.Title + " needs to know the audience before, which this server tells when asked; audience=NAME after the URL says it"
	case !recipeWord().MatchString(audience):
		return "the audience " + regpass.Quote(audience) + " cannot stand in a recipe"
	case declared && before == endpoint:
		return ""
	case declared, r.Tokens == ci.OneToken && len(shown) > 0:
		return "an ID token is shown to one registry only, and " + r.Title + " has no other for this one"
	}
	shown[audience] = endpoint
	f.Tokens = append(f.Tokens, idToken{identity.Variable(audience), audience})
	return ""
}

// recipeWord is what stands in YAML, Groovy and a shell between double quotes as it is, and in none of them means anything.
var recipeWord = regpass.Pattern(`^[A-Za-z0-9:/._~%@,+=\[\]-]+$`)

// name writes the registry down so that a job, which has other variables than we, takes it for what it is here.
func (f *filled) name(row registry.Row, ref regpass.Ref) error {
	words := []string{ref.String()}
	for _, key := range slices.Sorted(maps.Keys(ref.Options)) {
		if key == "name" && !ref.Trusted { // the project's own file has it
			continue
		}
		words = append(words, key+"="+ref.Options[key])
	}
	nothing := &regpass.Env{Getenv: func(string) string { return "" }}
	there := ref
	there.Trusted = true
	if in, err := registry.Find(nothing, there); err == nil && in.Name != row.Name {
		words = append(words, "type="+row.Name)
	}
	for _, w := range words {
		if !recipeWord().MatchString(w) {
			return regpass.Hintf(regpass.Usagef("init: %s cannot stand in a recipe", regpass.Quote(w)), "name the registry in REGPASS_REGISTRIES instead, as the CI system writes it down")
		}
	}
	f.Registries = appendNew(f.Registries, strings.Join(words, " "))
	return nil
}

// keyVars are the variables that hold the key for a registry.
func keyVars(row registry.Row, ref regpass.Ref) []string {
	switch {
	case ref.URL.Scheme == "s3":
		return []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
	case len(row.KeyVars) > 0:
		return row.KeyVars[:1]
	}
	return []string{settingPrefix + "API_KEY"}
}

// shellWords quotes words that hold no quotes.
func shellWords(words []string) string {
	quoted := slices.Clone(words)
	for i, w := range quoted {
		if strings.ContainsAny(w, " [") { // [ would be a pattern of file names
			quoted[i] = `"` + w + `"`
		}
	}
	return strings.Join(quoted, " ")
}

func appendNew(all []string, one string) []string {
	if slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}
