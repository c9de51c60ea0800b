package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/registry"
)

// leftOut collects the programs that do not find a lease's credential, since the sinks that they read cannot carry it.
type leftOut struct {
	found, missed []string
	why           []error
}

// note notes what became of the lease in a sink: the entries that it carries, and why it carries no others.
func (o *leftOut) note(sink envsync.Sink, mine []envsync.Entry, err error) {
	switch {
	case len(mine) > 0:
		o.found = append(o.found, sink.Readers...)
	case err != nil && len(sink.Readers) > 0:
		o.missed, o.why = append(o.missed, sink.Readers...), append(o.why, err)
	}
}

// tell adds to a plan, in one line, the programs that no sink of the run serves. It is a warning unless the registry
// has nothing for them. A second line says that the registry's URL names another user than its credential.
func (o *leftOut) tell(plan *envsync.Plan, l broker.Lease) {
	missed := slices.DeleteFunc(o.missed, func(p string) bool { return slices.Contains(o.found, p) })
	missed = regpass.Unique(missed, strings.Clone)
	c := l.Cred
	switch {
	case len(missed) == 0:
	case l.Target.Row.Conda || c.Kind == regpass.CondaToken || c.Kind == regpass.S3:
		plan.Notes = append(plan.Notes, fmt.Sprintf("%s: its %s credential is for conda channels and not for %s",
			c.Host, c.Kind, listed(missed)))
	case l.Target.Row.Publishes:
		plan.Notes = append(plan.Notes, fmt.Sprintf("%s: its credential is for publishing and not for %s", c.Host,
			listed(missed)))
	default:
		text := fmt.Sprintf("%s will not find the credential: %v", listed(missed), oneLine(o.why))
		named := slices.ContainsFunc(l.Target.Row.Options, func(o registry.Option) bool { return o.Name == "username" })
		if c.Kind == regpass.Bearer && c.Username == "" && named {
			text += "; if the server takes the token as a password, add username=__token__ or the name that it wants: " +
				"`" + l.Target.Ref.Args() + " username=__token__`"
		}
		plan.Warnings = append(plan.Warnings, text)
	}
	if user := l.Target.Ref.User; user != "" && user != c.Username {
		plan.Warnings = append(plan.Warnings, fmt.Sprintf("the URL of %s names the user %s, and the credential is for %s"+
			"; clients that are given that URL will not find it, so take the name out of it",
			l.Target.Ref, regpass.Quote(user), userOf(c)))
	}
}

// oneLine joins the texts of errors.
func oneLine(all []error) string {
	return strings.ReplaceAll(errors.Join(all...).Error(), "\n", "; ")
}

// userOf names the user of a credential for people.
func userOf(c regpass.Credential) string {
	if c.Username == "" {
		return "none"
	}
	return "the user " + regpass.Quote(c.Username)
}

// listed writes words as a list for people.
func listed(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
