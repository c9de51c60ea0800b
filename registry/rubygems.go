package registry

import (
	"context"

	"github.com/regpass/regpass"
)

// rubyGems publishes to RubyGems.org and to servers that run its software.
var rubyGems = Row{
	Name:      "rubygems",
	Also:      []string{"gem", "gems"},
	Title:     "RubyGems.org, to publish",
	Proven:    "a strict fake",
	Doc:       "https://guides.rubygems.org/trusted-publishing/",
	Hosts:     []string{rubyGemsHost},
	Example:   "https://rubygems.org",
	Match:     func(_ *regpass.Env, ref regpass.Ref) bool { return isHost(ref, rubyGemsHost) },
	AnyHost:   true,
	Publishes: true,
	Readers:   map[string]string{"index.rubygems.org": "https://rubygems.org"},
	Proofs: []Source{tokenOf("for the server of RUBYGEMS_HOST, or RubyGems.org", onRubyGemsHost,
		"GEM_HOST_API_KEY")},
	OIDC: true,
	Refusals: []Refusal{{"404 Not Found", "RubyGems answers so to all it does not trust: no trusted publisher matches " +
		"this job, the job is not on GitHub, or the CI system's clock is ahead of the server's"}},
	Trust: trustRubyGems,
	Open:  openRubyGems,
}

const rubyGemsHost = "rubygems.org"

// onRubyGemsHost reports whether gem would push to the target with GEM_HOST_API_KEY.
func onRubyGemsHost(env *regpass.Env, t Target) bool {
	if env.Getenv("RUBYGEMS_HOST") != "" {
		return onServerOf("RUBYGEMS_HOST")(env, t)
	}
	return isHost(t.Ref, rubyGemsHost)
}

func openRubyGems(_ *regpass.Env, ref regpass.Ref) (Target, error) {
	t := Target{Audience: ref.Options["audience"], Scope: publishing + "gems"}
	if t.Audience == "" {
		t.Audience = ref.Host
	}
	t.exchanger = publishOf{keys: keyRef{usual: regpass.Bearer}, mint: mintRubyGems}
	return t, nil
}

// mintRubyGems exchanges an identity for a key of 15 minutes.
//
//	POST /api/v1/oidc/trusted_publisher/exchange_token   {"jwt": ID token}
//	{"rubygems_api_key": …, "name": …, "scopes": ["push_rubygem"], "expires_at": RFC 3339}
//
// https://guides.rubygems.org/trusted-publishing/
func mintRubyGems(ctx context.Context, env *regpass.Env, t Target, p Proof) (token, error) {
	const op = "rubygems: exchange the CI identity"
	var got struct {
		Key     string `json:"rubygems_api_key"`
		Expires any    `json:"expires_at"`
	}
	if err := postIdentity(ctx, env, t, p, op, "/api/v1/oidc/trusted_publisher/exchange_token", "jwt", &got); err != nil {
		return token{}, err
	}
	return newTokenUntil(env, op, got.Key, got.Expires, date)
}

func trustRubyGems(_ *regpass.Env, t Target, j Job) (Trust, error) {
	p, err := publisherOf(t, j, noGitLab)
	if err != nil {
		return Trust{}, err
	}
	return Trust{
		Where: "https://" + t.Receiver.Host + "/gems/<GEM>/trusted_publishers, " +
			"or /profile/oidc/pending_trusted_publishers there for a gem that does not exist",
		Fields: p.fields("Repository owner", "Repository name", "Workflow filename", "Environment"),
		Notes:  p.notes(),
	}, nil
}
