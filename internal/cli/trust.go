package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/ci"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/registry"
)

// trustFlags say which job is to be let in, where regpass does not run in it.
type trustFlags struct {
	format, provider, ci, issuer, repository, ref, workflow, environment string
}

// describing are the flags that describe a job, and mean nothing without --ci.
var describing = []string{"issuer", "repository", "ref", "workflow", "environment"}

func newTrust(a *app) *cobra.Command {
	var f trustFlags
	cmd := &cobra.Command{
		Use:   "trust [REGISTRY…]",
		Short: "Print what to enter at a registry so that this job is let in",
		Long: `Print what a registry's administrator has to enter so that this job, and no other, gets a credential for its
identity: the role and its trust policy at AWS, the pool and its provider at Google, the federated credential at Entra,
the publisher at PyPI, the policy of ` + "`regpass serve`" + `. It is filled in with the claims of the job that it runs
in. On another machine, --ci, --repository and the flags beside them describe the job, and no network is needed.

No registry is asked, and nothing is changed. The claims are no secret.`,
		Example: "  regpass trust https://acme-123456789012.d.codeartifact.eu-west-1.amazonaws.com/pypi/main/simple/\n" +
			"  regpass trust pyx.dev --ci github --repository acme/app --ref main --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range describing {
				if cmd.Flags().Changed(name) && f.ci == "" {
					err := regpass.Usagef("trust: --%s describes a job of --ci, which is not given", name)
					return regpass.Hintf(err, "add --ci SYSTEM, or leave --%s out: in a job, its identity says it", name)
				}
			}
			return f.run(cmd.Context(), a, args)
		},
	}
	names := regpass.Names(trustFormats, trustFormatName)
	cmd.Flags().StringVar(&f.format, "format", names[0], "print it as `FORM`: "+strings.Join(names, ", "))
	complete(cmd, "format", names)
	addJSON(cmd, &f.format)
	known := regpass.Names(shaped(), systemName)
	cmd.Flags().StringVar(&f.ci, "ci", "", "the CI `SYSTEM` of the job: "+strings.Join(known, ", "))
	complete(cmd, "ci", known)
	cmd.Flags().StringVar(&f.repository, "repository", "", "the job's repository, as `OWNER/NAME`")
	cmd.Flags().StringVar(&f.ref, "ref", "main", "the job's `BRANCH`")
	cmd.Flags().StringVar(&f.workflow, "workflow", "", "the `FILE` of the job's workflow, such as release.yml")
	cmd.Flags().StringVar(&f.environment, "environment", "", "the `NAME` of the job's environment")
	cmd.Flags().StringVar(&f.issuer, "issuer", "", "the issuer's `URL`, where an instance or organization has its own")
	cmd.Flags().StringVar(&f.provider, "provider", a.set.Provider, "take the identity from the CI system with this `NAME`")
	return cmd
}

func systemName(s ci.System) string { return s.Name }

// shaped are the systems whose claims are known before a job runs.
func shaped() (all []ci.System) {
	for _, s := range ci.Systems {
		if len(s.Shape) > 0 {
			all = append(all, s)
		}
	}
	return all
}

func (f *trustFlags) run(ctx context.Context, a *app, args []string) error {
	form, err := regpass.Pick("format", f.format, trustFormats, trustFormatName)
	if err != nil {
		return err
	}
	refs, err := a.registries(args)
	if err != nil {
		return err
	}
	var all []trustReport
	for _, ref := range refs {
		r, err := f.report(ctx, a, ref)
		if err != nil {
			return fmt.Errorf("trust: %w", err)
		}
		all = append(all, r)
	}
	return form.print(a.env.Stdout, all)
}

// report says what to enter for one registry.
func (f *trustFlags) report(ctx context.Context, a *app, ref regpass.Ref) (trustReport, error) {
	target, err := registry.Open(a.env, ref)
	switch {
	case err != nil:
		return trustReport{}, err
	case target.Row.Trust == nil && target.Row.OIDC:
		return trustReport{}, regpass.Usagef("%s: what to enter at %s is not known", ref, target.Row.Name)
	case target.Row.Trust == nil:
		return trustReport{}, noTrust(target)
	}
	job, err := f.job(ctx, a, target)
	if err != nil {
		return trustReport{}, err
	}
	t, err := target.Row.Trust(a.env, target, job)
	if strings.Contains(job.Issuer, "<") {
		err = regpass.Hintf(err, "add --issuer URL: each instance or organization has its own")
		t.Notes = append(t.Notes, "--issuer URL fills in the issuer.")
	}
	i := slices.IndexFunc(ci.Systems, func(s ci.System) bool { return s.Name == f.ci })
	if i >= 0 && ci.Systems[i].Doubt != "" {
		t.Notes = append(t.Notes, ci.Systems[i].Doubt)
	}
	return trustReport{ref.String(), target.Row.Name, job, t}, err
}

// noTrust says why there is nothing to enter for a target.
func noTrust(t registry.Target) error {
	if t.ReadByAll() {
		err := regpass.Usagef("%s: no credential is needed there, so there is nothing to enter", t.Ref)
		return regpass.Hintf(err, "%s", t.ReadOrPublish())
	}
	if hint := t.MayBe(); hint != "" {
		err := regpass.Usagef("%s: it is not known which kind of server it is, so nor is what to enter", t.Ref)
		return regpass.Hintf(regpass.Hintf(err, "a server of no known kind takes a fixed key: see `regpass help registries`"),
			"%s", hint)
	}
	err := regpass.Usagef("%s: %s takes no CI identity, so there is nothing to enter", t.Ref, t.Row.Word())
	return regpass.Hintf(err, "give it a key: see `regpass help registries`")
}

// job is the job that flags describe, otherwise the one that runs.
func (f *trustFlags) job(ctx context.Context, a *app, t registry.Target) (registry.Job, error) {
	if f.ci != "" {
		return f.described(a.env, t)
	}
	p, ok := identity.Provider{}, false
	if f.provider != "" {
		var err error
		if p, err = identity.Find(f.provider); err != nil {
			return registry.Job{}, err
		}
		ok = true
	} else {
		p, ok = identity.Detect(a.env, t.Audience)
	}
	if !ok {
		return registry.Job{}, regpass.Hintf(regpass.NoIdentityf("this is no CI job with an identity"),
			"run it in the job, or describe the job: --ci github --repository acme/app --ref main")
	}
	audience := t.Audience
	if only := p.OnlyAudience(a.env); only != "" && t.Ref.Options["audience"] == "" {
		audience = only
	}
	asked := audience
	switch {
	case audience != "":
	case !t.Row.OIDC, t.Row.Publishes: // nothing to enter names an audience, and nobody is shown the identity
		asked = cmp.Or(p.OnlyAudience(a.env), "regpass-trust")
	default:
		err := fmt.Errorf("%s says itself which audience it wants, and it is not asked", t.Ref)
		return registry.Job{}, regpass.Hintf(err,
			"add audience=… to the registry, or describe the job: --ci NAME --repository OWNER/NAME")
	}
	ctx, cancel := context.WithTimeout(ctx, a.set.Timeout)
	defer cancel()
	id, err := p.Get(ctx, a.env, asked)
	if err != nil {
		return registry.Job{}, err
	}
	job := registry.Job{Issuer: id.Claims.Issuer, Audience: audience}
	for _, name := range slices.Concat([]string{"sub"}, id.PolicyClaims, registry.TrustClaims()) {
		v, ok := id.Claims.All[name].(string)
		if ok && v != "" && job.Claim(name) == "" {
			job.Claims = append(job.Claims, registry.Claim{Name: name, Value: v})
		}
	}
	return job, checkClaims(job)
}

// described is the job of the flags, by what is known of its CI system. Numeric ids are not known without a network.
func (f *trustFlags) described(env *regpass.Env, t registry.Target) (registry.Job, error) {
	i := slices.IndexFunc(ci.Systems, func(s ci.System) bool { return s.Name == f.ci && len(s.Shape) == 0 })
	if i >= 0 {
		err := regpass.Usagef("the claims of %s are not known before a job runs", ci.Systems[i].Title)
		return registry.Job{}, regpass.Hintf(err, "run `regpass trust` in the job")
	}
	system, err := regpass.Pick("CI system", f.ci, shaped(), systemName)
	issuer, badIssuer := url.Parse(f.issuer)
	switch {
	case err != nil:
		return registry.Job{}, err
	case f.issuer != "" && (badIssuer != nil || issuer.Scheme != "https" || issuer.Host == "" || issuer.User != nil):
		return registry.Job{}, regpass.Hintf(regpass.Usagef("--issuer is no https URL"),
			"write it as the claim iss has it: --issuer https://gitlab.example")
	case strings.Contains(f.repository, "://") || strings.HasSuffix(f.repository, ".git"):
		return registry.Job{}, regpass.Hintf(regpass.Usagef("--repository is a URL, and not the repository's name"),
			"write it as --repository %s", system.Repository)
	case f.workflow != "" && !slices.Contains([]string{".yml", ".yaml"}, path.Ext(f.workflow)):
		return registry.Job{}, regpass.Hintf(regpass.Usagef("--workflow is no file of a workflow"),
			"write the file's name, not the workflow's: --workflow release.yml")
	case strings.Count(f.repository, "/") < strings.Count(system.Repository, "/") || f.repository == "":
		return registry.Job{}, regpass.Hintf(regpass.Usagef("--ci needs the job's repository"),
			"add --repository %s", system.Repository)
	}
	job := registry.Job{Issuer: cmp.Or(f.issuer, system.Issuer), Audience: t.Audience}
	if job.Issuer == "" {
		job.Issuer = "https://<the issuer of your " + system.IssuerPer + ">"
	}
	if only := system.Audience; only != "" && t.Ref.Options["audience"] == "" {
		job.Audience = only
	}
	source := ci.Source{Repository: f.repository, Ref: f.ref, Workflow: f.workflow, Environment: f.environment}
	for _, given := range []struct {
		flag, value string
		of          ci.Source
	}{{"workflow", f.workflow, ci.Source{Repository: f.repository, Ref: f.ref, Environment: f.environment}},
		{"environment", f.environment, ci.Source{Repository: f.repository, Ref: f.ref, Workflow: f.workflow}}} {
		if given.value != "" && slices.Equal(system.ClaimsOf(given.of), system.ClaimsOf(source)) {
			err := regpass.Usagef("no claim of %s that is known before a job runs has its %s", system.Title, given.flag)
			return registry.Job{}, regpass.Hintf(err, "leave --%s out", given.flag)
		}
	}
	for _, c := range system.ClaimsOf(source) {
		job.Claims = append(job.Claims, registry.Claim{Name: c.Claim, Value: c.Text})
	}
	return job, checkClaims(job)
}

// checkClaims refuses claims that a terminal or a runner could take for more than text: they are printed to be pasted.
func checkClaims(j registry.Job) error {
	for _, c := range j.Claims {
		v := c.Value
		if regpass.Printable(v) != v || regpass.Inert(v) != v || strings.ContainsAny(v, "\r\n") {
			return fmt.Errorf("the claim %s is %s, which cannot be pasted", c.Name, regpass.Quote(c.Value))
		}
	}
	return nil
}

// trustReport is what to enter for one registry.
type trustReport struct {
	ref, kind string
	job       registry.Job
	trust     registry.Trust
}

// trustFormat is a form in which trust prints.
type trustFormat struct {
	name  string
	print func(w io.Writer, all []trustReport) error
}

func trustFormatName(f trustFormat) string { return f.name }

// trustFormats begin with the one that is taken if none is named.
var trustFormats = []trustFormat{
	{"text", printTrusts},
	{"json", printTrustJSON},
	{"sh", printTrustCommands("program to enter it with", func(t registry.Trust) string { return t.Shell })},
	{"terraform", printTrustCommands("Terraform provider", func(t registry.Trust) string { return t.Terraform })},
}

// printTrusts prints for people.
func printTrusts(w io.Writer, all []trustReport) error {
	var b strings.Builder
	for i, r := range all {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s (%s)\n\nIn %s, enter\n\n", r.ref, r.kind, r.trust.Where)
		fields(&b, r.trust.Fields)
		for _, d := range r.trust.Documents {
			text, err := indented(d.Body)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "\nThe %s:\n\n%s", d.Name, text)
		}
		if len(r.trust.Workflow) > 0 {
			b.WriteString("\nIn the job, set\n\n")
			fields(&b, r.trust.Workflow)
		}
		for _, n := range r.trust.Notes {
			b.WriteString("\n" + n + "\n")
		}
		var forms []string
		if r.trust.Shell != "" {
			forms = append(forms, "commands by `--format sh`")
		}
		if r.trust.Terraform != "" {
			forms = append(forms, "resources by `--format terraform`")
		}
		if len(forms) > 0 {
			fmt.Fprintf(&b, "\nThe same as %s.\n", strings.Join(forms, ", as "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fields writes names and values in two columns, a value of several lines below its name.
func fields(b *strings.Builder, all []registry.Field) {
	var pairs [][2]string
	for _, f := range all {
		pairs = append(pairs, [2]string{f.Name, strings.ReplaceAll(strings.TrimRight(f.Value, "\n"), "\n", "\n      ")})
	}
	rows(b, pairs)
}

// indented writes a document, JSON unless it is text.
func indented(body any) (string, error) {
	if text, ok := body.(string); ok {
		return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n", nil
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("  ", "  ")
	err := e.Encode(body)
	return "  " + b.String(), err
}

// printTrustJSON prints a list, one object a registry.
func printTrustJSON(w io.Writer, all []trustReport) error {
	type pair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	type document struct {
		Name string `json:"name"`
		Body any    `json:"body"`
	}
	type report struct {
		Registry  string            `json:"registry"`
		Type      string            `json:"type"`
		Issuer    string            `json:"issuer"`
		Audience  string            `json:"audience,omitempty"`
		Claims    map[string]string `json:"claims"`
		Where     string            `json:"where"`
		Fields    []pair            `json:"fields"`
		Documents []document        `json:"documents,omitempty"`
		Workflow  []pair            `json:"workflow,omitempty"`
		Notes     []string          `json:"notes,omitempty"`
	}
	pairs := func(all []registry.Field) (out []pair) {
		for _, f := range all {
			out = append(out, pair(f))
		}
		return out
	}
	var out []report
	for _, r := range all {
		j := report{Registry: r.ref, Type: r.kind, Issuer: r.job.Issuer, Audience: r.job.Audience, Where: r.trust.Where,
			Claims: map[string]string{}, Fields: pairs(r.trust.Fields), Workflow: pairs(r.trust.Workflow), Notes: r.trust.Notes}
		for _, c := range r.job.Claims {
			j.Claims[c.Name] = c.Value
		}
		for _, d := range r.trust.Documents {
			j.Documents = append(j.Documents, document(d))
		}
		out = append(out, j)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// printTrustCommands prints one form of each registry's. A registry without it is an error that names the other forms.
func printTrustCommands(what string, of func(registry.Trust) string) func(io.Writer, []trustReport) error {
	return func(w io.Writer, all []trustReport) error {
		without := slices.IndexFunc(all, func(r trustReport) bool { return of(r.trust) == "" })
		if without >= 0 {
			err := regpass.Usagef("trust: %s has no %s, as far as regpass knows", all[without].kind, what)
			forms := "--format text or --format json"
			switch t := all[without].trust; {
			case t.Shell != "":
				forms = "--format sh, " + forms
			case t.Terraform != "":
				forms = "--format terraform, " + forms
			}
			return regpass.Hintf(err, "use %s", forms)
		}
		for _, r := range all {
			if _, err := fmt.Fprintf(w, "# %s\n%s", r.ref, of(r.trust)); err != nil {
				return err
			}
		}
		return nil
	}
}
