package registry

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/regpass/regpass"
)

// nuGet publishes to nuget.org. https://api.nuget.org/v3/index.json is for reading too, so it needs type=nuget.
var nuGet = Row{
	Name:      "nuget",
	Title:     "nuget.org, to publish",
	Proven:    "a strict fake",
	Doc:       "https://learn.microsoft.com/en-us/nuget/nuget-org/trusted-publishing",
	Hosts:     []string{nuGetHost},
	Example:   nuGetPush + " user=acme",
	Match:     func(_ *regpass.Env, ref regpass.Ref) bool { return isHost(ref, nuGetHost) },
	AnyHost:   true,
	Publishes: true,
	Readers:   map[string]string{"api.nuget.org": nuGetPush, "nuget.org": nuGetPush},
	Proofs: []Source{tokenOf("at nuget.org", func(_ *regpass.Env, t Target) bool { return isNuGetOrg(t.Ref) },
		"NUGET_API_KEY")},
	Options: []Option{nuGetUser},
	OIDC:    true,
	Needs:   []string{nuGetUser.Name},
	Refusals: []Refusal{
		{"No matching trust policy", "user= must be the name of the person who made the policy, also where an " +
			"organization owns the package; owner, repository, workflow file and environment must be those of this job"},
		{"already been used", "nuget.org takes an identity once; run the step again"},
	},
	Trust: trustNuGet,
	Open:  openNuGet,
}

var nuGetUser = Option{Name: "user", Vars: []string{"NUGET_USER"},
	Doc: "name at nuget.org of the person who made the policy, not of the package's owner"}

const (
	nuGetHost = "www.nuget.org"
	nuGetPush = "https://www.nuget.org/api/v2/package"
)

// isNuGetOrg reports whether ref is nuget.org, by the name of its pages or its index.
func isNuGetOrg(ref regpass.Ref) bool {
	return slices.Contains([]string{"nuget.org", nuGetHost, "api.nuget.org"}, ref.Host) && ref.URL.Scheme == "https"
}

func openNuGet(env *regpass.Env, ref regpass.Ref) (Target, error) {
	t := Target{Receiver: origin(ref), Audience: ref.Options["audience"], Hosts: []string{ref.Host}}
	if isNuGetOrg(ref) {
		t.Receiver, t.Hosts = &url.URL{Scheme: "https", Host: nuGetHost}, []string{nuGetHost}
	}
	if t.Audience == "" {
		t.Audience = t.Receiver.String()
	}
	t.Scope = publishing + nuGetUser.value(env, ref)
	t.exchanger = publishOf{keys: keyRef{usual: regpass.Bearer}, mint: mintNuGet}
	return t, nil
}

// mintNuGet exchanges an identity for a key of less than an hour.
//
//	POST /api/v2/token   {"username": …, "tokenType": "ApiKey"}   Authorization: Bearer ID token
//	{"tokenType": "ApiKey", "expires": RFC 3339, "apiKey": …}
//
// https://github.com/NuGet/login
func mintNuGet(ctx context.Context, env *regpass.Env, t Target, p Proof) (token, error) {
	const op = "nuget: exchange the CI identity"
	var got struct {
		Key     string `json:"apiKey"`
		Expires any    `json:"expires"`
	}
	err := p.withIdentity(ctx, env, "nuget", t.Audience, func(ctx context.Context, id regpass.Identity) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost, URL: apiURL(t.Receiver, "/api/v2/token"),
			Bearer: id.Token, JSON: map[string]any{"username": t.option(env, "user"), "tokenType": "ApiKey"}}, &got)
	})
	if err != nil {
		return token{}, err
	}
	return newTokenUntil(env, op, got.Key, got.Expires, date)
}

func trustNuGet(env *regpass.Env, t Target, j Job) (Trust, error) {
	p, err := publisherOf(t, j, gitLabCom)
	if err != nil {
		return Trust{}, err
	}
	out := Trust{
		Where:    "https://www.nuget.org, Trusted Publishing in the menu under your name",
		Fields:   p.fields("Repository Owner", "Repository", "Workflow File", "Environment"),
		Workflow: []Field{{"NUGET_USER", known(t.option(env, "user"), "the name of whoever made the policy")}},
		Notes:    p.notes("Choose the owner of the packages there too; NUGET_USER is who made the policy all the same."),
	}
	if p.gitLab {
		out.Notes = append(out.Notes, "nuget.org takes jobs of gitlab.com since recently: "+
			"its form may name the fields otherwise.")
	}
	return out, nil
}
