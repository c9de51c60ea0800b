package recipe

import (
	"cmp"
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

// filled is the data of a recipe's template.
type filled struct {
	Registries []string  // as a person writes them, one a line
	Args       string    // the same as words of a shell
	Identity   bool      // a registry gets an identity
	Tokens     []idToken // the tokens to declare before the job begins
	Keys       []string  // variables that must hold keys
	Run        string    // the project's own command, as an example

	notes []string          // limits of the recipe, for the user
	shown map[string]string // audience: the receiver that is shown its token
	keyed map[string]string // variable with a key: the receiver that gets it
}

// idToken is an ID token that the CI makes before the job begins.
type idToken struct{ Variable, Audience string }

// fill works out what a job of s needs for each registry: an identity if the CI system can give it one of its own,
// otherwise a key.
func fill(env *regpass.Env, s ci.System, refs []regpass.Ref) (filled, error) {
	f := filled{Run: "uv sync", shown: map[string]string{}, keyed: map[string]string{}}
	if _, err := os.Stat(filepath.Join(env.Dir, "pixi.toml")); err == nil {
		f.Run = "pixi install"
	}
	for _, ref := range refs {
		target, err := registry.Open(env, ref)
		if err == nil {
			err = f.name(target.Row, ref)
		}
		if err == nil {
			err = f.prove(s, target)
		}
		if err != nil {
			return filled{}, err
		}
	}
	f.Args = shellWords(f.Registries)
	return f, nil
}

// prove adds the proof that a job of s needs for a registry.
func (f *filled) prove(s ci.System, target registry.Target) error {
	if target.Row.HasJobToken(s.Name) {
		return nil
	}
	receiver, why := target.Receiver.String(), ""
	if target.Row.OIDC && s.Tokens != ci.NoTokens {
		if why = otherAudience(s, target); why == "" {
			why = f.identity(s, target.Audience, receiver)
		}
		if why == "" {
			f.Identity = true
			return nil
		}
	}
	keys := broker.KeyVars(target)
	if why != "" {
		note := fmt.Sprintf("%s: %s; so the recipe has a key for it, in %s", target.Ref, why, keys[0])
		f.notes = append(f.notes, note)
	}
	if target.KeyVars() == nil {
		if other := cmp.Or(f.keyed[keys[0]], receiver); other != receiver {
			err := regpass.Usagef("init: %s is one key, but %s and %s both would get it", keys[0], other, receiver)
			return regpass.Hintf(err, "add a name=INDEX of its own to each of them")
		}
		f.keyed[keys[0]] = receiver
	}
	for _, k := range keys {
		f.Keys = appendNew(f.Keys, k)
	}
	return nil
}

// otherAudience says that all ID tokens of s are for another audience than the registry's, or "". An audience that the
// user writes down is taken at their word, since s may name its own by a variable of the job.
func otherAudience(s ci.System, target registry.Target) string {
	only := s.Audience
	if s.AudienceOf != "" {
		only = "that " + s.AudienceOf + " names"
	}
	if only == "" || only == target.Audience || target.Ref.Options["audience"] != "" {
		return ""
	}
	return fmt.Sprintf("the ID tokens of %s are all for the audience %s; if the registry takes it, "+
		"add audience=… after the URL", s.Title, only)
}

// identity declares the token for a registry if it must be declared. why says that there can be none.
func (f *filled) identity(s ci.System, audience, receiver string) (why string) {
	if s.Tokens.New() {
		return ""
	}
	before, declared := f.shown[audience]
	switch {
	case audience == "":
		return s.Title + " must know the audience in advance, but this server names it only when it is asked; " +
			"add audience=NAME after the URL"
	case !recipeWord().MatchString(audience):
		return "the audience " + regpass.Quote(audience) + " cannot stand in a recipe"
	case declared && before == receiver:
		return ""
	case declared, s.Tokens == ci.OneToken && len(f.shown) > 0:
		return "an ID token is shown to one registry only, and " + s.Title + " has no other for this one"
	}
	f.shown[audience] = receiver
	f.Tokens = append(f.Tokens, idToken{identity.Variable(audience), audience})
	return ""
}

// recipeWord matches text that YAML, Groovy and a shell all take literally between double quotes.
var recipeWord = regpass.Pattern(`^[A-Za-z0-9:/._~%@,+=\[\]-]+$`)

// name adds the registry in words that mean the same in a job, whose variables are not ours.
func (f *filled) name(row registry.Row, ref regpass.Ref) error {
	words := []string{ref.String()}
	if _, given := ref.Options["username"]; ref.User != "" && !given && ref.Trusted {
		words = append(words, "username="+ref.User)
	}
	for _, key := range slices.Sorted(maps.Keys(ref.Options)) {
		if key == "name" && !ref.Trusted { // the project's own file has it
			continue
		}
		words = append(words, key+"="+ref.Options[key])
	}
	noVars := &regpass.Env{Getenv: func(string) string { return "" }}
	inJob := ref
	inJob.Trusted = true
	if found, err := registry.Find(noVars, inJob); err == nil && found.Name != row.Name {
		words = append(words, "type="+row.Name)
	}
	for _, w := range words {
		if !recipeWord().MatchString(w) {
			return regpass.Hintf(regpass.Usagef("init: %s cannot stand in a recipe", regpass.Quote(w)),
				"set REGPASS_REGISTRIES in the CI system's settings instead")
		}
	}
	f.Registries = appendNew(f.Registries, strings.Join(words, " "))
	return nil
}

// shellWords joins words for a shell. They hold no quotes themselves.
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
