package registry

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
)

// npm is the registry of npm. Every token of an identity is for one package, which an option names.
var npm = Row{
	Name:      "npm",
	Also:      []string{"npmjs"},
	Title:     "npm's registry, to publish",
	Proven:    "a strict fake",
	Doc:       "https://docs.npmjs.com/trusted-publishers",
	Pages:     []string{"npmjs.com", "www.npmjs.com", "npmjs.org", "www.npmjs.org"},
	Hosts:     []string{npmHost},
	Example:   "https://registry.npmjs.org package=@acme/app",
	Match:     func(_ *regpass.Env, ref regpass.Ref) bool { return isHost(ref, npmHost) },
	AnyHost:   true,
	Publishes: true,
	Proofs:    []Source{tokenOf("at registry.npmjs.org", onHost(npmHost), "NPM_TOKEN")},
	Options:   []Option{{Name: "package", Doc: "the package that a CI identity may publish: app or @acme/app"}},
	OIDC:      true,
	Needs:     []string{"package"},
	Refusals: []Refusal{{"404 Not Found", "the package must be there already, its first version published by a person, " +
		"and a trusted publisher of it must match this job"}},
	Trust: trustNPM,
	Open:  openNPM,
}

const npmHost = "registry.npmjs.org"

// npmPackage matches the name of a package (https://docs.npmjs.com/cli/configuring-npm/package-json#name). Old names
// may hold capital letters.
var npmPackage = regpass.Pattern(`^(?:@[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)?[A-Za-z0-9_~-][A-Za-z0-9._~-]*$`)

func openNPM(_ *regpass.Env, ref regpass.Ref) (Target, error) {
	name := ref.Options["package"]
	if name != "" && (!npmPackage().MatchString(name) || len(name) > 214) {
		return Target{}, regpass.Usagef("package=%s is no name of an npm package", regpass.Quote(name))
	}
	t := Target{Audience: ref.Options["audience"], Scope: publishing + name}
	if t.Audience == "" {
		t.Audience = "npm:" + ref.URL.Hostname()
	}
	t.exchanger = publishOf{keys: keyRef{usual: regpass.Bearer}, mint: mintNPM}
	return t, nil
}

// mintNPM exchanges an identity for a token that may publish one package.
//
//	POST /-/npm/v1/oidc/token/exchange/package/@scope%2fname   Authorization: Bearer ID token
//	{"token": …}
//
// npm's own client, lib/utils/oidc.js
func mintNPM(ctx context.Context, env *regpass.Env, t Target, p Proof) (token, error) {
	const op, below = "npm: exchange the CI identity", "/-/npm/v1/oidc/token/exchange/package/"
	name := t.option(env, "package")
	if name == "" {
		err := regpass.Usagef("npm: %s does not say which package a CI identity is for", regpass.Quote(t.Ref.String()))
		return token{}, regpass.Hintf(err, "add package=NAME: `%s package=NAME`", t.Ref.Args())
	}
	at := &url.URL{Scheme: t.Receiver.Scheme, Host: t.Receiver.Host, Path: below + name,
		RawPath: below + strings.Replace(name, "/", "%2f", 1)}
	var got struct {
		Token string `json:"token"`
	}
	err := p.withIdentity(ctx, env, "npm", t.Audience, func(ctx context.Context, id regpass.Identity) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost, URL: at, Bearer: id.Token}, &got)
	})
	if err != nil {
		return token{}, err
	}
	return newToken(env, op, got.Token)
}

// trustNPM is the form on the page of a package, and the command of npm 11.10 and later
// (https://docs.npmjs.com/cli/v11/commands/npm-trust).
func trustNPM(env *regpass.Env, t Target, j Job) (Trust, error) {
	p, err := publisherOf(t, j, gitLabCom)
	if err != nil {
		return Trust{}, err
	}
	name := known(t.option(env, "package"), "PACKAGE")
	out := Trust{
		Where:  "https://www.npmjs.com/package/" + name + "/access, under Trusted Publisher",
		Fields: p.fields("Organization or user", "Repository", "Workflow filename", "Environment name"),
		Shell: "npm trust github " + shell(name) + " --file " + shell(p.fileName()) + " --repository " + shell(p.full()) +
			npmEnvironment(p) + " --yes\n",
		Notes: p.notes("The package must be there already: its first version is published with a token.",
			"The command `npm trust` needs npm 11.10 or later, and a person's second factor."),
	}
	if p.gitLab {
		out.Fields = p.fields("Namespace", "Project name", "Top-level CI file path", "Environment name")
		out.Shell = "npm trust gitlab " + shell(name) + " --file " + shell(p.fileName()) + " --project " + shell(p.full()) +
			npmEnvironment(p) + " --yes\n"
	}
	return out, nil
}

func npmEnvironment(p publisher) string {
	if p.environment == "" {
		return ""
	}
	return " --environment " + shell(p.environment)
}
