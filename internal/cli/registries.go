package cli

import (
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/project"
	"github.com/regpass/regpass/registry"
)

// registries says which registries a verb is about: its arguments, else REGPASS_REGISTRIES, else what the project's
// own files name. Only the first two are trusted: the project's files belong to whoever wrote the checkout.
func (a *app) registries(args []string) ([]regpass.Ref, error) {
	var refs []regpass.Ref
	for _, arg := range args {
		r, err := regpass.ParseRef(arg)
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
	return refs, nil
}

// fromProject keeps the registries that the project's files name and that may have a credential; see keepKnown.
func (a *app) fromProject() ([]regpass.Ref, error) {
	named, files, err := project.Refs(a.env.Dir)
	if err != nil {
		return nil, err
	}
	return a.keepKnown(named, files)
}

// fromConfig is fromProject for one file that the user names. It is of the checkout all the same.
func (a *app) fromConfig(path string) ([]regpass.Ref, error) {
	path = a.env.Abs(path)
	named, err := project.Config(path)
	if err != nil {
		return nil, err
	}
	return a.keepKnown(named, []string{path})
}

// keepKnown drops the registries that need no credential, since everyone may read them, and those that get none, since
// nobody but the checkout vouches for their host.
func (a *app) keepKnown(named []regpass.Ref, files []string) ([]regpass.Ref, error) {
	var refs []regpass.Ref
	var others []string
	for _, r := range named {
		row, err := registry.Find(a.env, r)
		switch {
		case err != nil:
			return nil, err
		case row.IsPublic(r):
		case !row.Trusts(a.env, r):
			others = append(others, r.String())
		default:
			refs = append(refs, r)
		}
	}
	switch {
	case len(refs) > 0:
		return refs, nil
	case len(files) == 0:
		return nil, unnamed{regpass.Hintf(regpass.Usagef("no registry is named"), "name one: `regpass token https://…`, or set REGPASS_REGISTRIES")}
	}
	err := regpass.Usagef("no registry is named, and %s names none that regpass knows to need a credential", files[0])
	if len(others) > 0 {
		err = regpass.Hintf(err, "it names %s; to send one of them a credential, name it on the command line or in REGPASS_REGISTRIES", regpass.Quote(fmt.Sprint(others)))
	}
	return nil, unnamed{err}
}

// unnamed is the error that no registry is named. A build can do without one.
type unnamed struct{ error }

func (u unnamed) Unwrap() error { return u.error }

// oneRegistry is registries for verbs that take one.
func (a *app) oneRegistry(args []string) (regpass.Ref, error) {
	refs, err := a.registries(args)
	if err != nil {
		return regpass.Ref{}, err
	}
	if len(refs) != 1 {
		return regpass.Ref{}, regpass.Hintf(regpass.Usagef("one registry is needed, but %d are named", len(refs)), "name the one that is meant")
	}
	return refs[0], nil
}
