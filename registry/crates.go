package registry

import (
	"context"
	"net/http"
	"net/url"

	"github.com/regpass/regpass"
)

// crates publishes to crates.io. cargo sends CARGO_REGISTRY_TOKEN to crates.io alone.
var crates = Row{
	Name:      "crates",
	Also:      []string{"cargo", "crates.io"},
	Title:     "crates.io, to publish",
	Proven:    "a strict fake",
	Doc:       "https://crates.io/docs/trusted-publishing",
	Hosts:     []string{cratesHost},
	Example:   "https://crates.io",
	Match:     func(_ *regpass.Env, ref regpass.Ref) bool { return isHost(ref, cratesHost) },
	AnyHost:   true,
	Publishes: true,
	Readers:   map[string]string{"index.crates.io": "https://crates.io", "static.crates.io": "https://crates.io"},
	CargoBare: true, // https://doc.rust-lang.org/cargo/reference/registry-web-api.html
	Proofs:    []Source{tokenOf("at crates.io", onHost(cratesHost), "CARGO_REGISTRY_TOKEN")},
	ClientVar: "CARGO_REGISTRY_TOKEN",
	OIDC:      true,
	Refusals: []Refusal{
		{"No Trusted Publishing config found", "enter this job in the settings of the crate, under Trusted Publishing; " +
			"a crate's first version is published with a token"},
		{"pull_request_target", cratesEvents},
		{"workflow_run", cratesEvents},
	},
	Trust:  trustCrates,
	Open:   openCrates,
	Revoke: revokeCrates,
}

const (
	cratesHost   = "crates.io"
	cratesTokens = "/api/v1/trusted_publishing/tokens"
	cratesEvents = "crates.io refuses jobs that pull_request_target or workflow_run started; publish on a push, a tag " +
		"or a release"
)

func openCrates(_ *regpass.Env, ref regpass.Ref) (Target, error) {
	t := Target{Audience: ref.Options["audience"], Scope: publishing + "crates"}
	if t.Audience == "" {
		t.Audience = ref.URL.Hostname() // the server's domain
	}
	t.exchanger = publishOf{keys: keyRef{usual: regpass.Bearer}, mint: mintCrates}
	return t, nil
}

// mintCrates exchanges an identity for a token of 30 minutes.
//
//	POST /api/v1/trusted_publishing/tokens   {"jwt": ID token}
//	{"token": "cio_tp_…"}
//
// https://github.com/rust-lang/rfcs/pull/3691, src/controllers/trustpub/tokens in crates.io
func mintCrates(ctx context.Context, env *regpass.Env, t Target, p Proof) (token, error) {
	const op = "crates: exchange the CI identity"
	var got struct {
		Token string `json:"token"`
	}
	if err := postIdentity(ctx, env, t, p, op, cratesTokens, "jwt", &got); err != nil {
		return token{}, err
	}
	// The answer does not say when the token ends, but the documentation does.
	return newTokenUntil(env, op, got.Token, float64(30*60), fromNow)
}

// revokeCrates ends a token.
//
//	DELETE /api/v1/trusted_publishing/tokens   Authorization: Bearer TOKEN
//
// It is 204 for a token that had ended too.
func revokeCrates(ctx context.Context, env *regpass.Env, at *url.URL, cred regpass.Credential) error {
	return env.Retry(ctx, func(ctx context.Context) error {
		_, err := env.Do(ctx, regpass.Request{Op: "crates: revoke the token", Method: http.MethodDelete,
			URL: apiURL(at, cratesTokens), Bearer: cred.Secret})
		return err
	})
}

func trustCrates(_ *regpass.Env, t Target, j Job) (Trust, error) {
	p, err := publisherOf(t, j, gitLabCom)
	if err != nil {
		return Trust{}, err
	}
	if event := j.Claim("event_name"); event == "pull_request_target" || event == "workflow_run" {
		err := regpass.NoIdentityf("crates: no job that %s started may publish", event)
		return Trust{}, regpass.Hintf(err, "%s", cratesEvents)
	}
	out := Trust{
		Where:  "the settings of the crate at https://" + t.Receiver.Host + ", under Trusted Publishing",
		Fields: p.fields("Repository owner", "Repository name", "Workflow filename", "Environment name"),
		Notes:  p.notes("The crate must be there already: its first version is published with a token."),
	}
	if p.gitLab {
		out.Fields = p.fields("Namespace", "Project", "Workflow filepath", "Environment name")
	} else {
		out.Notes = append(out.Notes, cratesEvents+".")
	}
	return out, nil
}
