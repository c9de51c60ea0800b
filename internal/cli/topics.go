package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/child"
	"github.com/regpass/regpass/registry"
)

// topics are the pages of help that belong to no verb. They walk the tables, so they can't fall behind them.
func topics() []*cobra.Command {
	var all []*cobra.Command
	for _, t := range []struct {
		name, short string
		text        func() string
	}{
		{"environment", "The variables that are read and written", helpEnvironment},
		{"exit-codes", "What the exit code tells", helpExitCodes},
		{"registries", "The kinds of registry, and what each takes", helpRegistries},
		{"identities", "The CI systems, and what to add to a workflow", helpIdentities},
		{"security", "What is kept where, and what nobody can keep", func() string { return helpSecurity }},
	} {
		all = append(all, &cobra.Command{Use: t.name, Short: t.short, Long: strings.Trim(t.text(), "\n")})
	}
	return all
}

func rows(b *strings.Builder, all [][2]string) {
	width := 0
	for _, r := range all {
		width = max(width, len(r[0]))
	}
	for _, r := range all {
		fmt.Fprintf(b, "  %-*s  %s\n", width, r[0], r[1])
	}
}

func helpEnvironment() string {
	var b strings.Builder
	b.WriteString("Settings. A flag goes before its variable; an empty variable is not set.\n\n")
	rows(&b, environment())
	b.WriteString("\nSecrets that are read.\n\n")
	secrets := [][2]string{
		{settingPrefix + "API_KEY", "key or token for a registry that has no variable of its own"},
		{settingPrefix + "API_KEY_FILE", "file that holds it"},
	}
	for _, r := range registry.All {
		for _, p := range r.Proofs {
			secrets = append(secrets, [2]string{strings.Join(p.Vars, ", "), r.Name + ": " + sourceDoc(p)})
		}
	}
	rows(&b, secrets)
	b.WriteString("\nIdentities that are read: see `regpass help identities`.\n\nSinks, and the variables they set.\n\n")
	var sinks [][2]string
	for _, s := range clients.All {
		sinks = append(sinks, [2]string{s.Name, s.Doc})
	}
	rows(&b, sinks)
	fmt.Fprintf(&b, "\n`regpass exec --secrets` sets %s, flags for docker buildx build. `regpass build` also\nreads the variables that buildx and docker know: BUILDKIT_HOST, BUILDX_BUILDER, DOCKER_HOST, BUILDKIT_PROGRESS and the like.\n", buildFlagsVar)
	return b.String()
}

func helpExitCodes() string {
	var b strings.Builder
	rows(&b, [][2]string{
		{fmt.Sprint(exitDone), "done"},
		{fmt.Sprint(exitFailed), "could not"},
		{fmt.Sprint(exitUsage), "asked wrongly: a flag, an argument, a setting, a file of the project"},
		{fmt.Sprint(exitFound), "found something: a token where none may be"},
		{fmt.Sprint(exitNoIdentity), "no identity here: a fork's pull request, a missing permission, no key"},
		{fmt.Sprint(exitInterrupted), "interrupted"},
	})
	fmt.Fprintf(&b, "\n`regpass exec` passes on the command's exit code, %d plus the number of the signal that ended it, %d for a command\nthat can't be run and %d for one that is not found.\n", child.Signaled, child.NotRunnable, child.NotFound)
	return b.String()
}

func helpRegistries() string {
	var b strings.Builder
	b.WriteString("The host of a REGISTRY picks its row, or the option type= does.\n")
	for _, r := range registry.All {
		fmt.Fprintf(&b, "\n%s: %s\n", r.Name, r.Title)
		var facts [][2]string
		add := func(what string, values []string) {
			if len(values) > 0 {
				facts = append(facts, [2]string{what, strings.Join(values, ", ")})
			}
		}
		add("hosts", r.Hosts)
		for _, p := range r.Proofs {
			add(string(p.Method)+" in", []string{strings.Join(p.Vars, ", ") + noteOf(p)})
		}
		if r.OIDC {
			add("CI identity", []string{"yes"})
		}
		for _, o := range r.Options {
			add("option "+o.Name+"=", []string{optionDoc(o)})
		}
		add("documentation", strings.Fields(r.Doc))
		rows(&b, facts)
	}
	b.WriteString("\nOptions of every registry:\n\n")
	var options [][2]string
	for _, o := range registry.CommonOptions {
		options = append(options, [2]string{o.Name + "=", optionDoc(o)})
	}
	rows(&b, options)
	b.WriteString("\nThe first of these that is there proves who asks; standard error says which:\n\n")
	var order [][2]string
	for _, s := range broker.Order {
		order = append(order, [2]string{s.Name, s.Doc})
	}
	rows(&b, order)
	b.WriteString(`
With no REGISTRY at all, REGPASS_REGISTRIES names them, one a line; otherwise the project's own files do: regpass.toml
(registry = ["…"]), pyproject.toml ([tool.regpass], and the indexes and channels of uv and pixi), uv.toml, pixi.toml.
These files belong to whoever wrote the checkout, a pull request for example: of what they name, only hosts that a row
above knows get a credential.
`)
	return b.String()
}

// sourceDoc says what a source of proofs holds, for help.
func sourceDoc(s registry.Source) string {
	if s.Doc != "" {
		return s.Doc
	}
	if s.Method == regpass.ReadyToken {
		return "ready token, used as it is"
	}
	return string(s.Method)
}

func noteOf(s registry.Source) string {
	if s.Doc == "" {
		return ""
	}
	return " (" + s.Doc + ")"
}

func optionDoc(o registry.Option) string {
	doc := o.Doc
	if o.Values != nil {
		doc += ": " + strings.Join(o.Values, ", ")
	}
	if o.Vars != nil {
		doc += "; by default from " + strings.Join(o.Vars, ", ")
	}
	return doc
}

func helpIdentities() string {
	var b strings.Builder
	b.WriteString("The first of these that is found is taken; --provider names another.\n")
	for _, p := range identity.Providers {
		fmt.Fprintf(&b, "\n%s: %s; %s\n", p.Name, p.Title, p.Doc)
		for line := range strings.Lines(p.Setup("pyx:trusted-access")) {
			b.WriteString("    " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	return b.String()
}

const helpSecurity = `
What one job or one login makes lives in one private folder (mode 0700), the session. It holds the minted credentials,
private files for clients, and the journal of files that were changed. REGPASS_SESSION_DIR names it; else it lies in the
CI's own temporary folder under a name made of the job, else in $XDG_RUNTIME_DIR, else in the user's cache. The next
step of the same job finds it; another job does not. "regpass logout" puts back, revokes and removes all of it, also
after a run that was killed.

A token is never in an argument, a URL, an error, a log line, or a file that others can read. An identity token goes to
the one https host that its audience is bound to, never across a redirect, never to two registries. What a server says
is shown quoted and cut. Files of yours are changed only where a flag names them, byte for byte otherwise, never through
a symbolic link.

"regpass build" looks for the credentials in what it is given, in what each step is to do and what it prints, in the
image config, in attestations and, where a step was given a secret, in all layers of the image, before anything is
exported or pushed; with --cache-to mode=max in the layers of all stages. What it finds is revoked, and what the refused
build left in the builder is deleted: its record with the output of steps, and the layers in its cache. --no-history
leaves no record at all. For the search the layers come to this machine once; from a remote builder that is across the
network. Not searched are files that a later step deleted, in the images of a Docker daemon's own builder, and archives
packed with bzip2 or xz.

What nobody can keep: whoever runs as the same user or as root on the machine can read the session, and the variables of
a running command. A command that gets a credential can send it anywhere; regpass replaces known secrets and their
base64, hex and URL-encoded forms in what it prints, which helps against accidents, not against intent. So
give credentials that are short-lived and may do little, and log out.
`
