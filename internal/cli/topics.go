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

// topics returns the pages of help that belong to no command. They walk the tables, so they cannot fall behind.
func topics() []*cobra.Command {
	var all []*cobra.Command
	for _, t := range []struct {
		name, short string
		text        func() string
	}{
		{"environment", "Which variables are read and set", helpEnvironment},
		{"exit-codes", "What the exit code means", helpExitCodes},
		{"registries", "Which registries are known, and which proof each takes", helpRegistries},
		{"identities", "Which CI systems are known, and what to add to a workflow", helpIdentities},
		{"security", "What is stored where, and what cannot be protected", func() string { return helpSecurity }},
	} {
		all = append(all, &cobra.Command{Use: t.name, Short: t.short, Long: strings.Trim(t.text(), "\n")})
	}
	return all
}

func helpEnvironment() string {
	var b strings.Builder
	b.WriteString("Settings. A flag overrides its variable. An empty variable counts as not set.\n\n")
	table(&b, environment())
	b.WriteString("\nSecrets.\n\n")
	secrets := [][2]string{
		{settingPrefix + "API_KEY", "key or token of a registry without a variable of its own"},
		{settingPrefix + "API_KEY_HOST", "the same for one host, in upper case with _ for all but letters and digits: " +
			broker.KeyVar + "_PKGS_EXAMPLE_8443"},
		{settingPrefix + "API_KEY_NAME", "the same for a registry with name=NAME; both only where you name the registry, " +
			"or trust its host"},
		{"each of them with " + broker.FileSuffix, "file with that key or token"},
	}
	for _, r := range registry.All {
		for _, p := range r.Proofs {
			secrets = append(secrets, [2]string{strings.Join(p.Vars, ", "), r.Name + ": " + sourceDoc(p)})
		}
	}
	table(&b, secrets)
	b.WriteString("\nIdentities: see `regpass help identities`.\n\nSinks, and the variables they set.\n\n")
	var sinks [][2]string
	for _, s := range clients.All {
		sinks = append(sinks, [2]string{s.Name, s.Doc})
	}
	table(&b, sinks)
	fmt.Fprintf(&b, `
`+"`regpass exec --secrets`"+` sets %s to the flags for docker buildx build. `+"`regpass build`"+` also reads
the variables of buildx and docker: BUILDKIT_HOST, BUILDX_BUILDER, DOCKER_HOST, BUILDKIT_PROGRESS and the like.
`, buildFlagsVar)
	return b.String()
}

func helpExitCodes() string {
	var b strings.Builder
	table(&b, [][2]string{
		{fmt.Sprint(exitDone), "done"},
		{fmt.Sprint(exitFailed), "failed: the network, a server, a file"},
		{fmt.Sprint(exitUsage), "wrong usage: a flag, an argument, a setting, a file of the project"},
		{fmt.Sprint(exitFound), "a token was found where none may be"},
		{fmt.Sprint(exitNoIdentity), "no credential can be had: no key, no login, a fork, a missing permission"},
		{fmt.Sprint(exitRefused), "a server refused the key or the identity (401, 403 and the like)"},
		{fmt.Sprint(exitInterrupted), "interrupted"},
	})
	fmt.Fprintf(&b, `
`+"`regpass exec`"+` passes on the command's exit code: %d plus the number of the signal that ended it, %d if the
command cannot be run, and %d if it is not found.
`, child.Signaled, child.NotRunnable, child.NotFound)
	return b.String()
}

func helpRegistries() string {
	var b strings.Builder
	b.WriteString("The host of a REGISTRY decides its kind, unless the option type= does.\n")
	for _, r := range registry.All {
		fmt.Fprintf(&b, "\n%s: %s\n", r.Name, r.Title)
		var facts [][2]string
		add := func(title string, values []string) {
			if len(values) > 0 {
				facts = append(facts, [2]string{title, strings.Join(values, ", ")})
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
		table(&b, facts)
	}
	b.WriteString("\nOptions of every registry:\n\n")
	var options [][2]string
	for _, o := range registry.CommonOptions {
		options = append(options, [2]string{o.Name + "=", optionDoc(o)})
	}
	table(&b, options)
	b.WriteString("\nThe first of these that exists is used; standard error says which one:\n\n")
	var order [][2]string
	for _, s := range broker.Order {
		order = append(order, [2]string{s.Name, s.Doc})
	}
	table(&b, order)
	b.WriteString(`
Without a REGISTRY on the command line, the registries are those in REGPASS_REGISTRIES, one a line. If that is not set,
they come from the project's own files: regpass.toml (registry = ["…"]), pyproject.toml ([tool.regpass], and the indexes
and channels of uv and pixi), uv.toml and pixi.toml. These files belong to whoever wrote the checkout, such as a pull
request, so only the hosts listed above get a credential. Well-known public channels need none.

Hosts that you trust stand in a file of your own, in the same form: ~/.config/regpass/regpass.toml ($XDG_CONFIG_HOME;
on macOS ~/Library/Application Support, on Windows %APPDATA%), or the file that REGPASS_CONFIG names:

    registry = ["https://pkgs.example/simple/acme/main type=pyx"]

A registry of the checkout at the same scheme, host and port then gets a credential, with the options of your entry: of
the one whose URL it lies below, name= only for the very URL. REGPASS_API_KEY and keys on standard input still go only
to a registry that you name in the command; REGPASS_API_KEY_HOST goes to it. Others must not be able to write the file
or its folder. In a CI job it is read only if REGPASS_CONFIG names it, since earlier jobs may have written to the home
folder.
`)
	return b.String()
}

// sourceDoc describes what a source of proofs holds.
func sourceDoc(s registry.Source) string {
	if s.Doc != "" {
		return s.Doc
	}
	if s.Method == regpass.ReadyToken {
		return "ready token, used unchanged"
	}
	return string(s.Method)
}

// noteOf returns the source's doc in parentheses.
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
	b.WriteString("The first of these that is found is used; --provider names another.\n")
	for _, p := range identity.Providers {
		b.WriteString(wrapped("\n"+p.Name+": ", "  ", p.Title+"; "+p.Doc))
		for line := range strings.Lines(p.Setup("pyx:trusted-access")) {
			b.WriteString("    " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	return b.String()
}

const helpSecurity = `
One job, or one login, keeps everything it makes in one private folder (mode 0700), the session: the minted credentials,
private files for clients, and a journal of changed files. REGPASS_SESSION_DIR names the folder. Otherwise it is in the
CI's own temporary folder, under a name made from the job's ids, or outside of CI jobs in the user's state. The
next step of the same job finds it; another job does not. "regpass logout" restores, revokes and removes all of it, even
after a run that was killed.

uv sends UV_INDEX_<NAME>_PASSWORD wherever the project says that the index of that name is. regpass sets it only if --to
env and name=NAME ask for it, and refuses a name that uv's files have on another server: those around the working
directory, and those that the command leads to, by way of scripts and requirements too. What a requirement from a
repository elsewhere says, and flags of uv's, it does not see. The sink uv writes a file that is bound to the
registry's host.

A registry's own client sends the token in PYX_AUTH_TOKEN and the like to its own servers. So the variable is set only
for one of these, such as the server of PYX_API_URL, and for another server with type= only if --to env asks for it.

A netrc and rattler's file know no ports, so they hold no credential of a server on a port of its own, unless it is on
this machine or ports=any behind its URL allows it: clients would send it to every port of the host. They know no
schemes either, so a checkout that names http:// on the host has clients send the credential there in clear. Where uv is
the only client, --to uv prevents that.

A token is never in an argument, a URL, an error, a log line, or a file that others can read. An identity token goes to
the one https host that its audience is bound to, never across a redirect, and never to two registries. Text from a
server is quoted and cut. Your own files are changed only if a flag names them, byte for byte otherwise, and never
through a symbolic link.

"regpass build" searches for the credentials before anything is exported or pushed: in its own inputs, in the commands
and the output of each step, in the image config, in attestations and, if a step was given a secret, in all layers of
the image; with --cache-to mode=max in the layers of all stages. A credential that is found is revoked, and the refused
build is deleted from the builder: its record with the output of steps, and its layers in the cache. --no-history leaves
no record at all. For the search the layers come to this machine once; from a remote builder that is across the network.
Two things are not searched: files that a later step deleted, in the images of a Docker daemon's own builder, and
archives packed with bzip2 or xz.

A command under "regpass exec" gets no key that was traded for its credential. On Linux it cannot read that from
regpass's own memory or variables either, unless it runs as root; the shell that started regpass has it still, if it is
in a variable there. REGPASS_API_KEY_FILE and --token-stdin need no variable.

What cannot be protected: whoever runs as the same user or as root on the machine can read the session, and the
variables of a running command. A command that gets a credential can send it anywhere. regpass replaces known secrets
and their base64, hex and URL-encoded forms in everything it prints, also where line breaks are put into them. That
helps against accidents, not against intent.
So use credentials that are short-lived and have few rights, and log out.
`
