package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/project"
	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

// statusReport is the output of status. Fields may be added to its JSON form, but none is renamed or removed.
type statusReport struct {
	Identity    *identityReport    `json:"identity"` // null: there is none
	Session     string             `json:"session"`  // folder; empty: there is none
	Credentials []credentialReport `json:"credentials"`
	Changed     []string           `json:"changed_files"` // the user's own files that logout puts back
	Registries  []registryReport   `json:"registries"`
	Problems    []problemReport    `json:"problems"` // of the project's files: what could not be read, or is left out
	Next        string             `json:"next,omitempty"`
}

type problemReport struct {
	Problem string   `json:"problem"`
	Hints   []string `json:"hints,omitempty"`
}

type identityReport struct {
	Provider string            `json:"provider"`
	Claims   map[string]string `json:"claims,omitempty"`
	Problem  string            `json:"problem,omitempty"`
	Hints    []string          `json:"hints,omitempty"`
	Note     string            `json:"note,omitempty"` // why there are no claims, where that is no problem
	summary  string            // the claims on one line, for people
}

type credentialReport struct {
	Registry string     `json:"registry"`
	Host     string     `json:"host"`
	Kind     string     `json:"kind"`
	From     string     `json:"made_with"`
	Expires  *time.Time `json:"expires,omitempty"`
	Fresh    bool       `json:"fresh"`
}

type registryReport struct {
	Registry string   `json:"registry"`
	Named    string   `json:"named_by"` // the command line, REGPASS_REGISTRIES, a file's path, a variable
	Trusted  bool     `json:"trusted"`
	Type     string   `json:"type,omitempty"`
	Public   bool     `json:"public,omitempty"` // everyone may read it, so it gets nothing
	Proof    string   `json:"proof,omitempty"`
	In       *bool    `json:"in,omitempty"`      // with --check: whether it gave a credential
	Problem  string   `json:"problem,omitempty"` // why it would get nothing, or gave nothing
	Hints    []string `json:"hints,omitempty"`
	// Clients says who would find the credential, once its form is known: a key has it, an exchange tells it.
	Clients []clientReport `json:"clients,omitempty"`
	lease   *broker.Lease
}

var statusFormats = []string{"text", "json"}

func newStatus(a *app) *cobra.Command {
	var format string
	var check bool
	o := broker.Options{Timeout: a.set.Timeout, Least: regpass.Least{Time: a.set.MinLifetime}}
	cmd := &cobra.Command{
		Use:   "status [REGISTRY…]",
		Short: "Show who this job is, which credentials it has, and what is missing",
		Long: `Show who this job is and what its identity claims, which credentials the session holds and until when, which
files were changed, and which proof each registry would get: of those that the project's files name also the ones that
would get nothing, and why. The proof is chosen in the same way as by all other commands. For each it says which
clients ` + "`regpass exec`" + ` reaches in this project, by which sink, and which are left out, and why. No token is
printed and no registry is asked, unless --check is given: then the exchange is made for each, and the report says who
is in, and otherwise at which step it ended, why, and what to enter where.`,
		Example: "  regpass status\n  regpass status pyx.dev --json\n  regpass status --check",
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := regpass.Pick("format", format, statusFormats, strings.Clone); err != nil {
				return err
			}
			r, err := a.status(cmd.Context(), args, o, check)
			if err != nil {
				return err
			}
			if format == "json" {
				e := json.NewEncoder(a.env.Stdout)
				e.SetIndent("", "  ")
				err = e.Encode(r)
			} else {
				err = r.print(a.env)
			}
			if out := r.out(); err == nil && check && out > 0 {
				return fmt.Errorf("status: %d of %d registries give this job no credential", out, len(r.Registries))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", statusFormats[0], "print in the format `NAME`: text or json")
	complete(cmd, "format", statusFormats)
	addJSON(cmd, &format)
	cmd.Flags().BoolVar(&check, "check", false, "make the exchange for every registry; exit with 1 if one gives nothing")
	cmd.Flags().StringVar(&o.Provider, "provider", a.set.Provider, "take the identity from the CI system with this `NAME`")
	return cmd
}

func (a *app) status(ctx context.Context, args []string, o broker.Options, check bool) (
	statusReport, error) {
	r := statusReport{Credentials: []credentialReport{}, Changed: []string{}, Registries: []registryReport{},
		Problems: []problemReport{}}
	refs, err := a.namedByUser(args)
	if err != nil {
		return r, err
	}
	if len(refs) == 0 {
		refs = r.addProject(a)
	}
	if refs, err = a.vouch(refs); err != nil {
		return r, err
	}
	s, err := session.Current(a.env)
	if err != nil {
		return r, err
	}
	if s != nil {
		r.Session = s.Dir
		if err := r.addSession(a.env, s, o); err != nil {
			return r, err
		}
	}
	b := broker.New(a.env, s, o, a.say)
	refs, publish := registry.Beside(a.env, refs)
	for _, ref := range refs {
		g := explain(ctx, b, ref)
		if row, err := registry.Find(a.env, ref); err == nil && row.Publishes && !row.Trusts(a.env, ref) {
			publish = append(publish, ref)
			continue
		}
		if check && !g.Public {
			g.check(ctx, b, ref, s == nil)
		} else if l, ok := b.Local(ref); ok && !g.Public && g.Problem == "" {
			g.lease = &l
		}
		r.Registries = append(r.Registries, g)
	}
	a.addClients(r.Registries)
	for _, ref := range publish {
		r.Registries = append(r.Registries, registryReport{Registry: ref.String(), Named: ref.Origin, Trusted: ref.Trusted,
			Type: b.Explain(ref).Type, Problem: noPublishing(ref).Error(), Hints: []string{
				"to publish, name it yourself: `regpass exec " + ref.Args() + " -- COMMAND`"}})
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	r.Identity, err = a.whoAmI(ctx, audience(a.env, refs), o.Provider)
	return r, err
}

// addProject returns all registries that the project names, and reports why some are not known.
func (r *statusReport) addProject(a *app) []regpass.Ref {
	found, err := project.Find(a.env)
	for _, left := range append(found.Left, err) {
		if left != nil {
			r.Problems = append(r.Problems, problemReport{left.Error(), regpass.Hints(left)})
		}
	}
	if len(found.Refs)+len(r.Problems) == 0 {
		r.Next = "no registry is named; name one: `regpass status https://…`, or run it in the folder of a project"
		if len(found.Paths) > 0 {
			r.Next = fmt.Sprintf("%s names no registry; name one: `regpass status https://…`", found.Paths[0])
		}
	}
	return found.Refs
}

func (r *statusReport) addSession(env *regpass.Env, s *session.Session, o broker.Options) error {
	leases, err := s.Leases()
	if err != nil {
		return err
	}
	for _, l := range leases {
		c := credentialReport{
			Registry: l.Cred.Registry, Host: l.Cred.Host, Kind: string(l.Cred.Kind), From: l.From,
			Fresh: l.Cred.Fresh(env.Now(), l.Minted, o.Least),
		}
		if !l.Cred.Expires.IsZero() {
			c.Expires = &l.Cred.Expires
		}
		r.Credentials = append(r.Credentials, c)
	}
	changed, err := s.Changed()
	r.Changed = append(r.Changed, changed...)
	return err
}

// addClients reports who would find the credentials of all registries together.
func (a *app) addClients(registries []registryReport) {
	var all []broker.Lease
	for _, g := range registries {
		if g.lease != nil {
			all = append(all, *g.lease)
		}
	}
	for i, g := range registries {
		if g.lease != nil {
			registries[i].Clients = a.reach(*g.lease, all)
		}
	}
}

// explain reports which proof a registry would get. The broker decides it as for every other command.
func explain(ctx context.Context, b *broker.Broker, ref regpass.Ref) registryReport {
	e := b.Identify(ctx, ref)
	r := registryReport{Registry: ref.String(), Named: ref.Origin, Trusted: ref.Trusted, Type: e.Type, Public: e.Public,
		Proof: e.Proof}
	if e.Err != nil {
		r.Proof, r.Problem, r.Hints = "", e.Err.Error(), regpass.Hints(e.Err)
	}
	return r
}

// check makes the exchange. A credential that no session keeps is ended again.
func (r *registryReport) check(ctx context.Context, b *broker.Broker, ref regpass.Ref, end bool) {
	in := r.Problem == ""
	r.In = &in
	if !in {
		return
	}
	l, err := b.Credential(ctx, ref)
	if in = err == nil; !in {
		r.Problem, r.Hints = err.Error(), regpass.Hints(err)
		return
	}
	r.lease = &l
	if end && l.Revocable {
		b.RevokeNow(ctx, l.Lease)
	}
}

// out is the number of registries that gave nothing.
func (r statusReport) out() (n int) {
	for _, g := range r.Registries {
		if g.In != nil && !*g.In {
			n++
		}
	}
	return n
}

// audience returns the audience of the first registry that takes identities, or nothing if none does.
func audience(env *regpass.Env, refs []regpass.Ref) string {
	for _, ref := range refs {
		if t, err := registry.Open(env, ref); err == nil && t.Audience != "" {
			return t.Audience
		}
	}
	return ""
}

// whoAmI asks the CI for an identity and reports its claims. If no audience is given, the identity is made for one that
// no registry takes, unless the CI has made its tokens already. The report is nil if this is no CI job.
func (a *app) whoAmI(ctx context.Context, audience, provider string) (*identityReport, error) {
	p, ok := identity.Provider{}, false
	if provider != "" {
		var err error
		if p, err = identity.Find(provider); err != nil {
			return nil, err
		}
	} else if p, ok = identity.Detect(a.env, audience); !ok {
		return nil, nil
	}
	r := &identityReport{Provider: p.Title}
	if audience == "" && p.Reusable && p.OnlyAudience(a.env) == "" {
		r.Note = "its ID tokens are each for one audience; name a registry to see the claims of its token"
		return r, nil
	}
	if audience == "" {
		audience = cmp.Or(p.OnlyAudience(a.env), "regpass-status")
	}
	id, err := p.Get(ctx, a.env, audience)
	if err != nil {
		r.Problem, r.Hints = err.Error(), regpass.Hints(err)
		return r, nil
	}
	r.Claims = map[string]string{}
	for _, name := range id.PolicyClaims {
		if v, ok := id.Claims.All[name].(string); ok {
			r.Claims[name] = regpass.Inert(v)
		}
	}
	r.summary = id.Claims.Show(id.PolicyClaims)
	return r, nil
}

// print prints the report for people.
func (r statusReport) print(env *regpass.Env) error {
	var b strings.Builder
	problem := func(indent, text string, hints []string) {
		for _, line := range append([]string{"problem: " + text}, prefixed("hint: ", hints)...) {
			b.WriteString(indent + strings.ReplaceAll(line, "\n", "\n"+indent+"  ") + "\n")
		}
	}
	switch {
	case r.Identity == nil:
		b.WriteString("identity: none here\n")
	case r.Identity.Problem != "":
		fmt.Fprintf(&b, "identity: %s\n", r.Identity.Provider)
		problem("  ", r.Identity.Problem, r.Identity.Hints)
	default:
		fmt.Fprintf(&b, "identity: %s\n  %s\n", r.Identity.Provider, cmp.Or(r.Identity.summary, r.Identity.Note))
	}
	if r.Session == "" {
		b.WriteString("session: none\n")
	} else {
		fmt.Fprintf(&b, "session: %s\n", r.Session)
	}
	for _, c := range r.Credentials {
		ends := "does not say when it ends"
		if c.Expires != nil {
			ends = "ended"
			if left := c.Expires.Sub(env.Now()); left > 0 {
				ends = "ends in " + regpass.Short(left)
			}
		}
		fmt.Fprintf(&b, "  %s: %s %s, made with %s, %s\n", c.Host, wordOf(c.Registry), c.Kind, c.From, ends)
	}
	for _, path := range r.Changed {
		fmt.Fprintf(&b, "  changed %s\n", path)
	}
	for _, g := range r.Registries {
		fmt.Fprintf(&b, "registry: %s (%s)\n", g.Registry, typeOf(g.Type))
		if !g.Trusted {
			fmt.Fprintf(&b, "  named by %s\n", g.Named)
		}
		switch {
		case g.Public:
			b.WriteString("  gets nothing: everyone may read it\n")
		case g.Problem != "":
			problem("  ", g.Problem, g.Hints)
		default:
			fmt.Fprintf(&b, "  proof: %s\n", g.Proof)
			if g.In != nil {
				b.WriteString("  in\n")
			}
			for _, line := range clientLines(g.Clients) {
				b.WriteString("  " + line + "\n")
			}
			if g.lease == nil {
				b.WriteString("  reaches: `regpass status --check` tells, once it has the credential\n")
			}
		}
	}
	for _, p := range r.Problems {
		problem("", p.Problem, p.Hints)
	}
	if r.Next != "" {
		fmt.Fprintf(&b, "next: %s\n", r.Next)
	}
	_, err := io.WriteString(env.Stdout, b.String())
	return err
}

// wordOf is what a kind of registry is called, by its type=.
func wordOf(kind string) string {
	i := slices.IndexFunc(registry.All, func(r registry.Row) bool { return r.Name == kind })
	if i < 0 {
		return cmp.Or(kind, "unknown")
	}
	return registry.All[i].Word()
}

// typeOf is a type= for people: with the word for it, where that is another.
func typeOf(kind string) string {
	if word := wordOf(kind); word != kind && kind != "" {
		return kind + ": " + word
	}
	return cmp.Or(kind, "unknown")
}

func prefixed(prefix string, lines []string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, prefix+l)
	}
	return out
}
