package cli

import (
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/project"
	"github.com/regpass/regpass/registry"
)

// registries returns the registries of a command: its arguments, where options may follow as words of their own,
// otherwise those in REGPASS_REGISTRIES, otherwise those that the project's files name. Only the first two are trusted:
// the project's files belong to whoever wrote the checkout.
func (a *app) registries(args []string) ([]regpass.Ref, error) {
	var refs []regpass.Ref
	for _, text := range regpass.RefTexts(args) {
		r, err := regpass.ParseRef(text)
		if err != nil {
			return nil, err
		}
		r.Origin, r.Trusted = "the command line", true
		refs = append(refs, r)
	}
	if len(refs) == 0 && a.set.Registries != "" {
		var err error
		if refs, err = regpass.ParseRefs(a.set.Registries, settingPrefix+"REGISTRIES"); err != nil {
			return nil, err
		}
	}
	if len(refs) == 0 {
		return a.fromProject()
	}
	return a.vouch(refs)
}

// fromProject returns the registries that the project's files name and that may get a credential; see keepKnown.
func (a *app) fromProject() ([]regpass.Ref, error) {
	named, files, err := project.Refs(a.env.Dir)
	if err == nil {
		named, err = a.vouch(named)
	}
	if err != nil {
		return nil, err
	}
	return a.keepKnown(named, files)
}

// fromConfig is fromProject for one file that the user names. The file is still part of the checkout.
func (a *app) fromConfig(path string) ([]regpass.Ref, error) {
	path = a.env.Abs(path)
	named, err := project.Config(path)
	if err == nil {
		named, err = a.vouch(named)
	}
	if err != nil {
		return nil, err
	}
	return a.keepKnown(named, []string{path})
}

// keepKnown drops registries that get no credential: public ones, which everyone may read, and ones on hosts that only
// the checkout vouches for.
func (a *app) keepKnown(named []regpass.Ref, files []string) ([]regpass.Ref, error) {
	var refs []regpass.Ref
	var untrusted []string
	for _, r := range named {
		row, err := registry.Find(a.env, r)
		switch {
		case err != nil:
			return nil, err
		case row.IsPublic(r):
		case !row.Trusts(a.env, r):
			untrusted = append(untrusted, r.String())
		default:
			refs = append(refs, r)
		}
	}
	switch {
	case len(refs) > 0:
		return refs, nil
	case len(files) == 0:
		err := regpass.Usagef("no registry is named")
		return nil, unnamed{regpass.Hintf(err, "name one: `regpass token https://…`, or set REGPASS_REGISTRIES")}
	}
	err := regpass.Usagef("no registry is named, and %s names none that regpass knows to need a credential", files[0])
	if len(untrusted) > 0 {
		err = regpass.Hintf(err, "it names %s; to send one of them a credential, name it on the command line or in "+
			"REGPASS_REGISTRIES", regpass.Quote(fmt.Sprint(untrusted)))
	}
	return nil, unnamed{err}
}

// unnamed is the error that no registry is named. A build works without one.
type unnamed struct{ error }

func (u unnamed) Unwrap() error { return u.error }

// oneRegistry is registries for a command that takes exactly one.
func (a *app) oneRegistry(args []string) (regpass.Ref, error) {
	refs, err := a.registries(args)
	if err != nil {
		return regpass.Ref{}, err
	}
	if len(refs) != 1 {
		err := regpass.Usagef("one registry is needed, but %d are named", len(refs))
		return regpass.Ref{}, regpass.Hintf(err, "name one on the command line")
	}
	return refs[0], nil
}
