package cli

import (
	"fmt"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync/clients"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/registry"
)

// The tables of the README are printed by `regpass man --tables`, so what they say is what the program knows.

// identityTable is the table of where identities come from, in Markdown.
func identityTable() string {
	var b strings.Builder
	b.WriteString("| `--provider` | where | the identity | proven by |\n|---|---|---|---|\n")
	for _, p := range identity.Providers {
		doc := strings.NewReplacer("<", "&lt;", "|", "&#124;").Replace(p.Doc)
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.Name, p.Title, doc, p.Proven)
	}
	return b.String()
}

// registryTable is the table of the kinds of registries, in Markdown.
func registryTable() string {
	var b strings.Builder
	b.WriteString("| type | registry | CI identity | otherwise | proven by |\n|---|---|---|---|---|\n")
	for _, r := range registry.All {
		fmt.Fprintf(&b, "| [`%s`](docs/registries/%s.md) | %s | %s | %s | %s |\n", r.Name, page(r.Name), r.Title,
			takesIdentity(r), otherwise(r), r.Proven)
	}
	return b.String()
}

// clientTable is the table of package clients, in Markdown.
func clientTable() string {
	var b strings.Builder
	b.WriteString("| client | sink | how | survives the end of a token | proven by |\n|---|---|---|---|---|\n")
	for _, p := range clients.Programs {
		var sinks []string
		for _, s := range p.Sinks {
			sinks = append(sinks, "`"+s+"`")
		}
		if len(sinks) == 0 {
			sinks = []string{"none"}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", p.Name, strings.Join(sinks, ", "), p.How, p.Survives, p.Proven)
	}
	return b.String()
}

// page is the name of a kind's page in docs/registries: Anaconda's two share one.
func page(kind string) string {
	if strings.HasPrefix(kind, "anaconda.") {
		return "anaconda"
	}
	return kind
}

// takesIdentity says whether a CI identity is taken, and with which options.
func takesIdentity(r registry.Row) string {
	if !r.OIDC {
		return ""
	}
	var needs []string
	for _, name := range r.Needs {
		needs = append(needs, "`"+name+"=`")
	}
	return strings.Join(append([]string{"yes"}, needs...), " ")
}

// otherwise lists the proofs of a kind besides an identity.
func otherwise(r registry.Row) string {
	var all []string
	for _, p := range r.Proofs {
		for _, v := range p.Vars {
			all = append(all, "`"+v+"`")
		}
	}
	if r.Browser {
		all = append(all, string(regpass.Browser))
	}
	if r.Cloud != nil {
		all = append(all, "the machine's own")
	}
	if len(all) == 0 {
		return "a key"
	}
	return strings.Join(all, ", ")
}
