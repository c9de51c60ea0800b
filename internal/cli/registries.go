package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/project"
	"github.com/regpass/regpass/registry"
)

// registries returns the registries of a command: its arguments, where options may follow as words of their own,
// otherwise those in REGPASS_REGISTRIES, otherwise those that the project's files name. Only the first two are trusted:
// the project's files belong to whoever wrote the checkout.
func (a *app) registries(args []string) ([]regpass.Ref, error) {
	refs, err := a.namedByUser(args)
	if err != nil {
		return nil, err
	}
	if len(refs) > 0 {
		return a.vouch(refs)
	}
	found, err := project.Find(a.env)
	if err != nil {
		return nil, err
	}
	return a.keepKnown(found)
}

// namedByUser returns the registries of the arguments, otherwise those in REGPASS_REGISTRIES.
func (a *app) namedByUser(args []string) (refs []regpass.Ref, err error) {
	for _, text := range regpass.RefTexts(args) {
		r, err := regpass.ParseRef(text)
		if err != nil {
			return nil, err
		}
		r.Origin, r.Trusted = "the command line", true
		refs = append(refs, r)
	}
	if len(refs) == 0 && a.set.Registries != "" {
		return regpass.ParseRefs(a.set.Registries, settingPrefix+"REGISTRIES")
	}
	return refs, nil
}

// fromConfig is registries for one file that the user names. The file is still part of the checkout.
func (a *app) fromConfig(path string) ([]regpass.Ref, error) {
	found, err := project.Config(a.env.Abs(path))
	if err != nil {
		return nil, err
	}
	return a.keepKnown(found)
}

// keepKnown drops registries that get no credential: public ones, which everyone may read, and ones on hosts that only
// the checkout vouches for. The latter are said, and so is what could not be read.
func (a *app) keepKnown(found project.Found) ([]regpass.Ref, error) {
	var err error
	if found.Refs, err = a.vouch(found.Refs); err != nil {
		return nil, err
	}
	var refs, untrusted, publish []regpass.Ref
	for _, r := range found.Refs {
		row, err := registry.Find(a.env, r)
		switch {
		case err != nil:
			return nil, err
		case row.IsPublic(r):
		case !row.Trusts(a.env, r) && row.Publishes:
			publish = append(publish, r)
		case !row.Trusts(a.env, r):
			untrusted = append(untrusted, r)
		default:
			refs = append(refs, r)
		}
	}
	a.warnAll(found.Left)
	if len(refs) == 0 {
		return nil, a.noneNamed(found, untrusted)
	}
	if len(untrusted) > 0 {
		a.say.Warn(a.getNothing(untrusted, refs))
	}
	refs, beside := registry.Beside(a.env, refs)
	publish = append(publish, beside...)
	for _, r := range publish[:min(maxSaid, len(publish))] {
		a.say.notef("%v; to have it, name it yourself: %s", noPublishing(r), a.byHand(regpass.Quote(r.String())))
	}
	return refs, nil
}

// noPublishing says why a place to publish to gets nothing.
func noPublishing(r regpass.Ref) error {
	return fmt.Errorf("%s names %s: no identity is exchanged for the right to publish that only a checkout asks for",
		r.Origin, r)
}

// maxSaid is the number of warnings of one kind, and of registries in one: a checkout can name thousands.
const maxSaid = 5

// warnAll prints the first warnings, and how many more there are.
func (a *app) warnAll(left []error) {
	for _, err := range left[:min(maxSaid, len(left))] {
		a.say.Warn(err)
	}
	if more := len(left) - maxSaid; more > 0 {
		a.say.warnings([]string{fmt.Sprintf("%d more are left out", more)})
	}
}

// getNothing says which registries get no credential, who names them and how one would, beside those that get one.
func (a *app) getNothing(untrusted, others []regpass.Ref) error {
	err := fmt.Errorf("%s: no credential is sent to a host that only the checkout names", namedWhere(untrusted))
	return regpass.Hintf(err, "%s", a.toSend(untrusted[0], others))
}

// toSend is the hint to name a registry oneself. The project's files then no longer count, so a command that takes
// several gets the others too.
func (a *app) toSend(r regpass.Ref, others []regpass.Ref) string {
	words := regpass.Ref{URL: r.URL, Host: r.Host, Bare: r.Bare}.Args() // a person pastes it into a shell
	if a.verb != nil && strings.Contains(a.verb.Use, "[REGISTRY…]") && len(others) <= maxSaid {
		for _, o := range others {
			words += " " + o.Args()
		}
	}
	hint := fmt.Sprintf("to send it a credential, name it yourself: %s", a.byHand(words))
	if row, err := registry.Find(a.env, r); err == nil {
		hint += row.OrVouch(a.env, r)
	}
	return hint
}

// namedWhere lists registries behind who names them.
func namedWhere(refs []regpass.Ref) string {
	var words []string
	for rest := refs[:min(maxSaid, len(refs))]; len(rest) > 0; {
		origin := rest[0].Origin
		var urls []string
		for len(rest) > 0 && rest[0].Origin == origin {
			urls, rest = append(urls, regpass.Quote(rest[0].String())), rest[1:]
		}
		words = append(words, origin+" names "+listed(urls))
	}
	if more := len(refs) - maxSaid; more > 0 {
		words = append(words, fmt.Sprintf("%d more are named", more))
	}
	return strings.Join(words, ", ")
}

// byHand says where the user names a registry, for the command that runs.
func (a *app) byHand(url string) string {
	const setting = "or set " + settingPrefix + "REGISTRIES"
	switch {
	case a.say.reader == actionStep:
		return "in the input registries"
	case a.verb == nil:
		return "on the command line, " + setting
	case !strings.Contains(a.verb.Use, "[REGISTRY"):
		return fmt.Sprintf("`%s --registry %s …`, %s", a.verb.CommandPath(), url, setting)
	}
	use := strings.NewReplacer("[REGISTRY…]", url, "[REGISTRY]", url, " [ARGUMENT…]", "",
		" CI ", " "+a.verb.Flags().Arg(0)+" ").Replace(a.verb.Use)
	return fmt.Sprintf("`%s %s`, %s", a.verb.Root().Name(), use, setting)
}

// noneNamed is the error that no registry may get a credential.
func (a *app) noneNamed(found project.Found, untrusted []regpass.Ref) error {
	var by string
	switch {
	case len(found.Paths) > 0:
		by = found.Paths[0]
	case len(found.Refs) > 0:
		by = found.Refs[0].Origin
	default:
		err := regpass.Usagef("no registry is named")
		if a.say.reader == actionStep { // it runs in the workspace, where a monorepo has no project
			return unnamed{error: regpass.Hintf(err, "name one in the input registries, or in the input config a file that "+
				"names some, such as FOLDER/pyproject.toml")}
		}
		return unnamed{error: regpass.Hintf(err, "name one: %s", a.byHand("https://…"))}
	}
	err := regpass.Usagef("no registry is named, and %s names none that regpass knows to need a credential", by)
	if len(untrusted) == 0 {
		return unnamed{error: regpass.Hintf(err, "what everyone may read needs no credential; for any other, name it: %s",
			a.byHand("https://…")), project: true}
	}
	err = fmt.Errorf("%w: %s", err, namedWhere(untrusted))
	return unnamed{error: regpass.Hintf(err, "%s", a.toSend(untrusted[0], nil)), project: true, untrusted: true}
}

// unnamed is the error that no registry may get a credential. A command that runs another program works without one.
type unnamed struct {
	error
	project   bool // files or variables were read that name none
	untrusted bool // they name a registry that gets nothing
}

func (u unnamed) Unwrap() error { return u.error }

// registriesIfAny is registries for a command that runs another one, which may need no credential at all.
func (a *app) registriesIfAny(args []string) ([]regpass.Ref, error) {
	refs, err := a.registries(args)
	var none unnamed
	switch {
	case !errors.As(err, &none) || !none.project:
		return refs, err
	case none.untrusted:
		a.say.Warn(err)
	default:
		a.say.notef("%s: %v; the command gets none", a.verb.Name(), err)
	}
	return nil, nil
}

// oneRegistry is registries for a command that takes exactly one.
func (a *app) oneRegistry(args []string) (regpass.Ref, error) {
	refs, err := a.registries(args)
	if err != nil {
		return regpass.Ref{}, err
	}
	if len(refs) != 1 {
		err := regpass.Usagef("one registry is needed, but %d are named: %s", len(refs), namedWhere(refs))
		for _, ref := range refs {
			if row, e := registry.Find(a.env, refs[0]); e == nil && row.HasOption(ref.Host) {
				err = regpass.Hintf(err, "%s is an option, and none without its value: write %[1]s=VALUE", ref.Host)
			}
		}
		return regpass.Ref{}, regpass.Hintf(err, "name one on the command line")
	}
	return refs[0], nil
}
