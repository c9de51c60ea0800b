package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/ci"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

// logoutOptions are the flags of logout.
type logoutOptions struct {
	timeout time.Duration
	format  string // empty: print no variables
	force   bool
}

func newLogout(a *app) *cobra.Command {
	var o logoutOptions
	cmd := &cobra.Command{
		Use:   "logout [REGISTRY…]",
		Short: "Undo what login wrote: restore, revoke, remove",
		Long: `Undo everything that was done in this session, even by runs that were killed: put back the files that were
changed, revoke the credentials that were minted and have not expired, and remove the session's folder. Credentials that
a running exec uses are revoked when it ends. A failure is only a warning, so that the clean-up fails no job. With
registries named, only what the session has for their hosts is taken back.

A shell that took the variables of login needs them undone too: --format prints how, with the values that they had
before. Without it, and outside of CI jobs, links to your own netrc and the like stay in the session's folder, where
such shells look for ours. The next login removes them.`,
		Example: `  regpass logout
  regpass logout prefix.dev
  eval "$(regpass logout --format sh)"
  regpass logout --format fish | source
  regpass logout --format json | from json | load-env           # nushell`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return logoutOf(cmd.Context(), a, args, &o)
			}
			return logout(cmd.Context(), a, &o)
		},
	}
	names := regpass.Names(varFormats, varFormatName)
	cmd.Flags().DurationVar(&o.timeout, "timeout", a.set.Timeout, "time `LIMIT` for the whole clean-up")
	cmd.Flags().StringVar(&o.format, "format", "", "also print how a shell undoes its variables, as `FORM`: "+
		strings.Join(names, ", "))
	cmd.Flags().BoolVar(&o.force, "force", false, "revoke also what running commands use")
	complete(cmd, "format", names)
	addJSON(cmd, &o.format)
	return cmd
}

func logout(ctx context.Context, a *app, o *logoutOptions) error {
	var format varFormat
	if o.format != "" {
		var err error
		if format, err = regpass.Pick("format", o.format, varFormats, varFormatName); err != nil {
			return err
		}
	}
	dir, err := session.Dir(a.env)
	if err != nil {
		a.say.Warn(err)
		return nil
	}
	s, err := session.At(a.env, dir)
	if err != nil {
		a.say.Warn(err)
		return nil
	}
	var shell []session.Shell
	if s != nil {
		shell, _ = s.Shell() // undo warns of a state that cannot be read
	}
	vars := a.former(dir, shell)
	if s == nil {
		a.say.notef("there is no session, so there is nothing to undo")
	} else {
		a.undo(ctx, s, o.timeout, session.Ending{Force: o.force, Links: o.format == "" && !a.inJob()})
	}
	if o.format != "" {
		return format.undo(a.env.Stdout, vars)
	}
	if len(vars) > 0 && !a.inJob() {
		a.say.notef(`this shell still has %s of the login; undo that with: eval "$(regpass logout --format sh)"`,
			strings.Join(regpass.Names(vars, func(v envsync.Var) string { return v.Name }), ", "))
	}
	return nil
}

// logoutOf takes back what the session has for registries.
func logoutOf(ctx context.Context, a *app, args []string, o *logoutOptions) error {
	if o.format != "" || o.force {
		return regpass.Hintf(regpass.Usagef("logout: --format and --force are for the whole session"),
			"leave the registries out")
	}
	refs, err := a.namedByUser(args)
	if err == nil {
		refs, err = a.vouch(refs)
	}
	if err != nil {
		return err
	}
	s, err := session.Current(a.env)
	if err != nil {
		a.say.Warn(err)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	for _, ref := range refs {
		hosts := []string{ref.Host}
		if t, err := registry.Open(a.env, ref); err == nil {
			hosts = append(hosts, t.Hosts...)
		}
		var did []string
		var warnings []error
		if s != nil {
			did, warnings = s.Forget(ctx, ref, hosts, broker.Revoke(a.env), session.Ending{Links: !a.inJob()})
		}
		if len(did)+len(warnings) == 0 {
			a.say.notef("there is no credential for %s, so there is nothing to undo", ref)
		}
		for _, d := range did {
			a.say.notef("%s", d)
		}
		a.warnAll(warnings)
	}
	return nil
}

// inJob reports whether this is a CI job, whose variables end with it.
func (a *app) inJob() bool {
	for _, s := range ci.Systems {
		if s.HasJobs() && a.env.Getenv(s.Flag.Var) != "" {
			return true
		}
	}
	return false
}

// former lists the variables that still have the values of a login to the session in dir, with the values that they had
// before. One without a value is to be unset.
func (a *app) former(dir string, shell []session.Shell) []envsync.Var {
	var all []envsync.Var
	for _, v := range shell {
		now := a.env.Getenv(v.Name)
		if now != "" && (now == v.Plain || regpass.NewSecret(now).Fingerprint() == v.Sum) {
			all = append(all, envsync.Var{Name: v.Name, Plain: v.Was})
		}
	}
	for _, c := range clients.All { // also of a session that another shell has ended
		known := func(v envsync.Var) bool { return v.Name == c.Var }
		if c.Var != "" && session.Holds(dir, a.env.Getenv(c.Var)) && !slices.ContainsFunc(all, known) {
			all = append(all, envsync.Var{Name: c.Var})
		}
	}
	return all
}

// undo prints how a shell gets back the variables that it had.
func (f varFormat) undo(w io.Writer, vars []envsync.Var) error {
	if f.unset == nil {
		return f.print(w, vars)
	}
	var out bytes.Buffer
	for _, v := range vars {
		if v.Plain == "" {
			fmt.Fprintln(&out, f.unset(v.Name))
		} else if err := f.print(&out, []envsync.Var{v}); err != nil {
			return err
		}
	}
	_, err := out.WriteTo(w)
	return err
}

// undo undoes everything that was done in a session, and prints what it did.
func (a *app) undo(ctx context.Context, s *session.Session, limit time.Duration, how session.Ending) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	did, warnings := s.End(ctx, broker.Revoke(a.env), how)
	for _, d := range did {
		a.say.notef("%s", d)
	}
	for _, w := range warnings {
		a.say.Warn(w)
	}
}
