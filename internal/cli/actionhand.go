package cli

import (
	"context"
	"encoding/base64"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/buildtool"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/session"
)

// publish writes the files and tells the runner. All that holds a secret is masked before the runner is told of it.
func (a *app) publish(ctx context.Context, r *action.Runner, s *session.Session, sinks *sinkFlags, export bool,
	all []broker.Lease) error {
	plan, err := sinks.plan(a, s, all)
	if err != nil {
		return err
	}
	bake, err := buildtool.BakeFile(s.Files(), plan.secrets)
	if err != nil {
		return err
	}
	if err := s.Apply(ctx, plan.Changes, append(plan.files(), bake)...); err != nil {
		return err
	}
	for _, w := range plan.Warnings {
		a.say.line("warning: ", w)
	}
	for _, f := range plan.secrets {
		if err := a.say.maskIn(f.Content); err != nil {
			return err
		}
	}
	for _, l := range all {
		if err := a.say.maskIn(pairs(l.Cred)); err != nil {
			return err
		}
	}
	out := outputs(all, plan, bake.Path)
	for _, o := range out {
		if err := r.SetOutput(o.name, o.value); err != nil {
			return err
		}
	}
	if export {
		if err := a.export(r, plan.Vars); err != nil {
			return err
		}
	}
	return r.Summary(summary(all, plan.Changes))
}

// pairs are the forms in which clients and docker's config write user name and token as one, with spaces between them.
// A runner that only knows the token would show their ends.
func pairs(c regpass.Credential) regpass.Secret {
	pair := []byte(c.Username + ":" + c.Secret.Reveal())
	std := base64.StdEncoding.EncodeToString(pair)
	forms := []string{std, base64.URLEncoding.EncodeToString(pair), url.QueryEscape(std)}
	return regpass.NewSecret(strings.Join(forms, " "))
}

// output is one of the step's outputs. Its value may be a secret.
type output struct{ name, value string }

// outputs are what action.yml promises. Those of the first registry stand for itself; the lists are for all.
func outputs(all []broker.Lease, plan handover, bake string) []output {
	cred := all[0].Cred
	out := []output{{"available", "true"}, {"token", cred.Secret.Reveal()}, {"username", cred.Username}}
	if first := broker.Ends(all); !first.IsZero() {
		out = append(out, output{"expires-at", first.UTC().Format(time.RFC3339)})
	}
	for _, s := range clients.All {
		i := slices.IndexFunc(plan.Vars, func(v envsync.Var) bool { return s.Output != "" && v.Name == s.Var })
		if i >= 0 {
			out = append(out, output{s.Output, plan.Vars[i].Plain})
		}
	}
	var paths, values []string
	for _, f := range plan.secrets {
		paths = append(paths, f.ID+"="+f.Path)
		values = append(values, f.ID+"="+f.Content.Reveal())
	}
	return append(out, output{"secret-files", action.List(paths)}, output{"secrets", action.List(values)},
		output{"bake-file", bake})
}

// summary says of each registry what a person may know.
func summary(all []broker.Lease, changes []envsync.Change) []action.Row {
	var rows []action.Row
	for _, l := range all {
		ref := l.Target.Ref.String()
		row := action.Row{Registry: ref, Identity: l.From, Until: "it does not say"}
		var written []string
		for _, c := range changes {
			for _, e := range c.Entries {
				if e.Ref.URL != nil && e.Ref.String() == ref {
					written = append(written, filepath.Base(c.Path))
				}
			}
		}
		row.Written = strings.Join(append(written, "secrets for container builds"), ", ")
		if end := l.Cred.Expires; !end.IsZero() {
			row.Until = end.UTC().Format("2006-01-02 15:04 MST")
		}
		rows = append(rows, row)
	}
	return rows
}
