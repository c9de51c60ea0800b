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
)

// publish writes the files and sets the outputs. Every secret is masked before the runner gets an output that holds it.
func (a *app) publish(ctx context.Context, m mainStep, all []broker.Lease) error {
	plan, err := m.sinks.plan(a, m.session, all)
	if err != nil {
		return err
	}
	h, err := withSecrets(plan, m.session.Files(), all)
	if err != nil {
		return err
	}
	bake, err := buildtool.BakeFile(m.session.Files(), h.secrets)
	if err != nil {
		return err
	}
	if err := m.session.Apply(ctx, h.Changes, append(h.files(), bake)...); err != nil {
		return err
	}
	a.say.plan(h.Plan)
	if err := a.maskAll(h.secrets, all); err != nil {
		return err
	}
	for _, o := range outputs(all, h, bake.Path) {
		if err := m.runner.SetOutput(o.name, o.value); err != nil {
			return err
		}
	}
	if m.inputs.ExportEnv {
		if err := a.export(m.runner, h.Vars); err != nil {
			return err
		}
	}
	return m.runner.Summary(summary(all, h.Changes))
}

// maskAll has the runner hide the forms in which files and clients write the credentials.
func (a *app) maskAll(files []buildtool.File, all []broker.Lease) error {
	for _, f := range files {
		if err := a.say.maskWords(f.Content); err != nil {
			return err
		}
	}
	for _, l := range all {
		if err := a.say.maskWords(pairs(l.Cred)); err != nil {
			return err
		}
	}
	return nil
}

// pairs returns the forms in which clients and docker's config write user name and token as one, separated by spaces.
// A runner that only knows the token would show their ends.
func pairs(c regpass.Credential) regpass.Secret {
	pair := []byte(c.Username + ":" + c.Secret.Reveal())
	std := base64.StdEncoding.EncodeToString(pair)
	forms := []string{std, base64.URLEncoding.EncodeToString(pair), url.QueryEscape(std)}
	return regpass.NewSecret(strings.Join(forms, " "))
}

// output is one of the step's outputs. Its value may be a secret.
type output struct{ name, value string }

// outputs returns the outputs of action.yml. The token and its user name are those of the first registry; the rest
// covers all registries.
func outputs(all []broker.Lease, h handover, bake string) []output {
	cred := all[0].Cred
	out := []output{{"available", "true"}, {"token", cred.Secret.Reveal()}, {"username", cred.Username}}
	if first := broker.Ends(all); !first.IsZero() {
		out = append(out, output{"expires-at", first.UTC().Format(time.RFC3339)})
	}
	for _, s := range clients.All {
		i := slices.IndexFunc(h.Vars, func(v envsync.Var) bool { return s.Output != "" && v.Name == s.Var })
		if i >= 0 {
			out = append(out, output{s.Output, h.Vars[i].Plain})
		}
	}
	var paths, values []string
	for _, f := range h.secrets {
		paths = append(paths, f.ID+"="+f.Path)
		values = append(values, f.ID+"="+f.Content.Reveal())
	}
	return append(out, output{"secret-files", action.List(paths)}, output{"secrets", action.List(values)},
		output{"bake-file", bake})
}

// summary returns a row for each registry, without secrets.
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
