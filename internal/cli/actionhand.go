package cli

import (
	"context"
	"encoding/base64"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/buildkit/secret"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/session"
)

// pathOutputs are the outputs that say what a sink's variable would.
var pathOutputs = []struct{ variable, output string }{
	{"NETRC", "netrc"},
	{"RATTLER_AUTH_FILE", "rattler-auth-file"},
	{"UV_CREDENTIALS_DIR", "uv-credentials-dir"},
}

// publish writes the files and tells the runner. All that holds a secret is masked before the runner is told of it.
func (a *app) publish(ctx context.Context, r *action.Runner, s *session.Session, sinks *sinkFlags, export bool, all []broker.Lease) error {
	plan, err := sinks.plan(a, s, all)
	if err != nil {
		return err
	}
	files, notes, err := a.secretFiles(s.Files(), all)
	if err != nil {
		return err
	}
	bake, err := bakeFile(s.Files(), files)
	if err != nil {
		return err
	}
	if err := s.Apply(ctx, append(append(plan.Changes, changes(files)...), bake)); err != nil {
		return err
	}
	for _, w := range append(plan.Warnings, notes...) {
		a.say.line("warning: ", w)
	}
	for _, f := range files {
		if err := a.say.maskIn(f.value()); err != nil {
			return err
		}
	}
	for _, l := range all {
		if err := a.say.maskIn(pairs(l.Cred)); err != nil {
			return err
		}
	}
	out := outputs(all, plan.Vars, files, bake)
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
	return regpass.NewSecret(strings.Join([]string{std, base64.URLEncoding.EncodeToString(pair), url.QueryEscape(std)}, " "))
}

// output is one of the step's outputs. Its value may be a secret.
type output struct{ name, value string }

// outputs are what action.yml promises. Those of the first registry stand for itself; the lists are for all.
func outputs(all []broker.Lease, vars []envsync.Var, files []secretFile, bake envsync.Change) []output {
	cred := all[0].Cred
	out := []output{{"available", "true"}, {"token", cred.Secret.Reveal()}, {"username", cred.Username}}
	if first := broker.Ends(all); !first.IsZero() {
		out = append(out, output{"expires-at", first.UTC().Format(time.RFC3339)})
	}
	for _, p := range pathOutputs {
		for _, v := range vars {
			if v.Name == p.variable {
				out = append(out, output{p.output, v.Plain})
			}
		}
	}
	var paths, values []string
	for _, f := range files {
		paths = append(paths, f.ID+"="+f.change.Path)
		values = append(values, f.ID+"="+f.value().Reveal())
	}
	return append(out, output{"secret-files", action.List(paths)}, output{"secrets", action.List(values)}, output{"bake-file", bake.Path})
}

// bakeFile is where the bake file lies, and what is in it.
func bakeFile(dir string, files []secretFile) (envsync.Change, error) {
	text, err := secret.BakeFile(users(files))
	return envsync.Change{Path: filepath.Join(dir, "bake.json"), Own: true, Format: "raw",
		Entries: []envsync.Entry{{Cred: regpass.Credential{Secret: regpass.NewSecret(string(text))}}}}, err
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
