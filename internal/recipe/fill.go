package recipe

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/ci"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/registry"
)

const oneByOne = "name the registries one by one: each needs a job or a step with a key of its own"

// filled is the data of a recipe's template.
type filled struct {
	Registries []string  // as they are written, one a line
	Args       string    // the same as words of a shell
	Identity   bool      // a registry gets an identity
	Tokens     []idToken // what to declare before the job begins
	Keys       []string  // variables that must hold keys
	Run        string    // the project's own command, as an example

	notes []string // limits of the recipe, for the user
}

// idToken is an ID token that the CI makes before the job begins.
type idToken struct{ Variable, Audience string }

// fill finds out what a job of s needs for each registry: an identity where the CI system can give one that is for it
// alone, otherwise a key.
func fill(env *regpass.Env, s ci.System, refs []regpass.Ref) (filled, error) {
	f := filled{Run: "uv sync"}
	if _, err := os.Stat(filepath.Join(env.Dir, "pixi.toml")); err == nil {
		f.Run = "pixi install"
	}
	shown := map[string]string{} // audience: the receiver that its token is shown to
	general := ""                // the receiver that REGPASS_API_KEY goes to
	for _, ref := range refs {
		target, err := registry.Open(env, ref)
		if err != nil {
			return filled{}, err
		}
		receiver := target.Receiver.String()
		if err := f.name(target.Row, ref); err != nil {
			return filled{}, err
		}
		if target.Row.HasJobToken(s.Name) {
			continue
		}
		why := ""
		if target.Row.OIDC && s.Tokens != ci.NoTokens {
			if why = f.identity(s, target.Audience, receiver, shown); why == "" {
				f.Identity = true
				continue
			}
		}
		keys := target.KeyVars()
		if keys == nil {
			keys = []string{broker.KeyVar}
		}
		if why != "" {
			f.notes = append(f.notes, fmt.Sprintf("%s: %s; so the recipe has a key for it, in %s", ref, why, keys[0]))
		}
		if keys[0] == broker.KeyVar {
			if general != "" && general != receiver {
				err := regpass.Usagef("init: %s is one key, but %s and %s both would get it", keys[0], general, receiver)
				return filled{}, regpass.Hintf(err, oneByOne)
			}
			general = receiver
		}
		for _, k := range keys {
			f.Keys = appendNew(f.Keys, k)
		}
	}
	if general != "" && f.Identity { // a key goes before an identity, see `regpass help environment`
		err := regpass.Usagef("init: %s, which %s needs, goes before an identity: the others would get it too", broker.KeyVar, general)
		return filled{}, regpass.Hintf(err, oneByOne)
	}
	f.Args = shellWords(f.Registries)
	return f, nil
}

// identity declares the token for a registry where it must be declared, or says why there can be none.
func (f *filled) identity(s ci.System, audience, endpoint string, shown map[string]string) (why string) {
	if s.Tokens == ci.AnyAudience {
		return ""
	}
	before, declared := shown[audience]
	switch {
	case audience == "":
		return s.Title + " needs to know the audience before, which this server tells when asked; " +
			"audience=NAME after the URL says it"
	case !recipeWord().MatchString(audience):
		return "the audience " + regpass.Quote(audience) + " cannot stand in a recipe"
	case declared && before == endpoint:
		return ""
	case declared, s.Tokens == ci.OneToken && len(shown) > 0:
		return "an ID token is shown to one registry only, and " + s.Title + " has no other for this one"
	}
	shown[audience] = endpoint
	f.Tokens = append(f.Tokens, idToken{identity.Variable(audience), audience})
	return ""
}

// recipeWord matches text that YAML, Groovy and a shell all take as it is between double quotes.
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
			return regpass.Hintf(regpass.Usagef("init: %s cannot stand in a recipe", regpass.Quote(w)),
				"name the registry in REGPASS_REGISTRIES instead, as the CI system writes it down")
		}
	}
	f.Registries = appendNew(f.Registries, strings.Join(words, " "))
	return nil
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
