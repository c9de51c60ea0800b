package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/ask"
	"github.com/regpass/regpass/helper"
	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

func newHelper(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "helper PROTOCOL",
		Short: "Answer a package client that asks for a credential",
		Long: `Answer a package client that asks for a credential, in its own protocol. ` + "`regpass exec`" + ` has the
clients of the project ask by itself. The program also answers under the name by which a client looks for it, as a link
or a copy of that name; ` + "`regpass helper install`" + ` sets up a client for good. It answers for the hosts of the
registries that are configured, and for no other.`,
		Example: "  printf 'protocol=https\\nhost=git.example\\n' | regpass helper git get\n" +
			"  regpass helper keyring get https://pkgs.example/simple/ ci",
		RunE: func(cmd *cobra.Command, args []string) error { return unknownCommand(cmd, args) },
	}
	cmd.AddCommand(newInstall(a), newUninstall(a))
	for _, p := range helper.All {
		cmd.AddCommand(&cobra.Command{
			Use:                p.Name,
			Short:              p.Doc,
			Long:               fmt.Sprintf("%s\n\nNames: %s\nProtocol: %s", p.Doc, strings.Join(p.Programs, ", "), p.Source),
			DisableFlagParsing: true, // they are the protocol's
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.answer(cmd.Context(), p, args)
			},
		})
	}
	return cmd
}

// answer answers the questions of one client. Its streams are the client's, so nothing but errors is said.
func (a *app) answer(ctx context.Context, p helper.Protocol, args []string) error {
	a.say.quiet = true
	err := p.Answer(ctx, &helper.Call{Args: args, Stdin: a.env.Stdin, Stdout: a.env.Stdout,
		Find: func(ctx context.Context, q helper.Question) (regpass.Credential, error) {
			cred, err := a.find(ctx, p, q)
			return cred, a.forClient(err)
		},
		Bare: func(q helper.Question) bool { return a.bare(p, q) }})
	none := errors.Is(err, helper.ErrNone)
	if p.Hides && (none || errors.Is(err, regpass.ErrUsage)) {
		if next := a.nextOnPath(p.Programs[0]); next != "" {
			return a.passOn(next, args)
		}
	}
	if none {
		return childExit{exitFailed} // the protocol's own silence
	}
	return err
}

// forClient is an error whose text a client may show: docker and cargo take it from standard output, where nothing is
// redacted on the way.
func (a *app) forClient(err error) error {
	if err == nil {
		return nil
	}
	return shownError{err, string(a.say.known.Redact([]byte(err.Error())))}
}

// shownError is an error with a text of its own.
type shownError struct {
	error
	text string
}

func (e shownError) Error() string { return e.text }
func (e shownError) Unwrap() error { return e.error }

// find gets the credential for a question: what the running command or the login was given, while it lasts, otherwise a
// new one for the same registry. Outside of a command the registries also count for which the helper was installed, and
// those that the project names.
func (a *app) find(ctx context.Context, p helper.Protocol, q helper.Question) (regpass.Credential, error) {
	given, err := a.givenToHelpers()
	if err != nil {
		return regpass.Credential{}, err
	}
	e, err := helper.Match(given, q)
	if errors.Is(err, helper.ErrNone) && a.env.Getenv(ask.Var) == "" {
		return a.findNamed(ctx, p, q)
	}
	if err != nil {
		return regpass.Credential{}, err
	}
	a.env.Mask(e.Cred.Secrets()...)
	if left := e.Cred.Expires.Sub(a.env.Now()); e.Cred.Expires.IsZero() || left > helperLeast {
		return e.Cred, nil
	}
	cred, err := a.mintFor(ctx, e.Ref, q)
	if err != nil && e.Cred.Expires.After(a.env.Now()) {
		return e.Cred, nil
	}
	return cred, err
}

// helperLeast is how long a credential must last to be handed to a client without a look for a newer one.
const helperLeast = 2 * time.Second

// givenToHelpers reads what the running command, or else the login, was given; nil: nothing. Its entries say which
// registries are trusted, so nobody else may have written them.
func (a *app) givenToHelpers() ([]envsync.Entry, error) {
	path := a.env.Getenv(ask.Var)
	if path == "" {
		return a.givenToLogin()
	}
	if !filepath.IsAbs(path) {
		return nil, regpass.Usagef("%s is not an absolute path", ask.Var)
	}
	err := onlyOurs(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the command has ended
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ask.Var, err)
	}
	file, err := envsync.ReadExisting(path)
	if err != nil || file == nil {
		return nil, err
	}
	return ask.Read(file)
}

// givenToLogin reads what the login was given. A helper can do without: where the session's folder may be another
// user's, it is as if there were none.
func (a *app) givenToLogin() ([]envsync.Entry, error) {
	s, err := session.Current(a.env)
	if err != nil || s == nil {
		return nil, nil
	}
	return s.Asked()
}

// bare reports whether cargo sends the token of the registry that is meant as it is.
func (a *app) bare(p helper.Protocol, q helper.Question) bool {
	all, err := a.givenToHelpers()
	if err == nil && all == nil {
		all, err = a.namedToHelpers(p)
	}
	if err != nil {
		return false
	}
	e, err := helper.Match(all, q)
	return err == nil && registry.CargoBare(a.env, e.Ref)
}

// findNamed is find for the registries for which the helper was installed, and those that the settings and the project
// name.
func (a *app) findNamed(ctx context.Context, p helper.Protocol, q helper.Question) (regpass.Credential, error) {
	all, err := a.namedToHelpers(p)
	if err != nil {
		return regpass.Credential{}, err
	}
	e, err := helper.Match(all, q)
	if err != nil {
		return regpass.Credential{}, err
	}
	return a.mintFor(ctx, e.Ref, q)
}

// namedToHelpers are the registries that the settings and the project name, each with its hosts. They have no
// credentials yet.
func (a *app) namedToHelpers(p helper.Protocol) ([]envsync.Entry, error) {
	refs, err := a.installedFor(p)
	if err != nil {
		return nil, err
	}
	mine, err := a.namedByUser(nil)
	if err == nil {
		_, err = a.vouch(mine)
	}
	if err != nil {
		return nil, err
	}
	// A checkout whose files are malformed names none: git and bazel ask of every host, and give up on an error.
	if named, err := a.registries(nil); err == nil {
		refs = append(refs, named...)
	}
	var all []envsync.Entry
	for _, ref := range refs {
		target, err := registry.Open(a.env, ref)
		if err != nil {
			continue // of another registry than the one asked for, perhaps
		}
		for _, host := range target.Hosts {
			known := regpass.Credential{Host: host, Secret: regpass.NewSecret(ref.String())} // tells registries apart
			all = append(all, envsync.Entry{Ref: ref, Cred: known})
		}
	}
	return all, nil
}

// mintFor gets a credential for a registry as `token` does, for the host that was asked for.
func (a *app) mintFor(ctx context.Context, ref regpass.Ref, q helper.Question) (regpass.Credential, error) {
	s := a.sessionOrWarn(ctx, a.set.Timeout)
	o := broker.Options{Provider: a.set.Provider, Timeout: a.set.Timeout, Least: regpass.Least{Time: a.set.MinLifetime}}
	l, err := broker.New(a.env, s, o, a.say).Credential(ctx, ref)
	l.Cred.Host = q.Host
	return l.Cred, err
}
