package registry

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// buildkite is Buildkite Package Registries. It exchanges nothing: the ID token is the password, for one registry and
// five minutes.
var buildkite = Row{
	Name:    "buildkite",
	Title:   "Buildkite Package Registries",
	Proven:  "documentation",
	Doc:     "https://buildkite.com/docs/package-registries/security/oidc",
	Pages:   []string{"buildkite.com"},
	Hosts:   []string{buildkiteHost},
	Example: "https://packages.buildkite.com/acme/main/pypi/simple",
	Match: func(_ *regpass.Env, ref regpass.Ref) bool {
		return ref.URL.Scheme == "https" && ref.Host == buildkiteHost
	},
	OIDC:   true,
	Images: true,
	Trust:  trustBuildkite,
	Open:   openBuildkite,
}

const (
	buildkiteHost = "packages.buildkite.com"
	buildkiteUser = "buildkite" // for tokens and keys
	// buildkiteLife is the longest life of an ID token that is taken.
	buildkiteLife = 5 * time.Minute
)

// buildkiteSlug matches the slug of an organization or a registry.
var buildkiteSlug = regpass.Pattern(`^[a-z0-9][a-z0-9-]*$`)

// buildkiteRef is a package registry: ORGANIZATION/REGISTRY, or empty.
type buildkiteRef struct{ registry string }

func openBuildkite(_ *regpass.Env, ref regpass.Ref) (Target, error) {
	var b buildkiteRef
	if s := segments(ref.URL); len(s) >= 2 && buildkiteSlug().MatchString(s[0]) && buildkiteSlug().MatchString(s[1]) {
		b.registry = s[0] + "/" + s[1]
	}
	t := Target{Audience: ref.Options["audience"], Scope: b.registry, exchanger: b}
	if t.Audience == "" && b.registry != "" {
		t.Audience = origin(ref).JoinPath(b.registry).String()
	}
	return t, nil
}

// exchange makes a credential of the ID token itself, without a request.
func (b buildkiteRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	if p.Method != regpass.OIDC {
		return keyRef{usual: regpass.Basic, username: buildkiteUser}.exchange(ctx, env, t, p)
	}
	if b.registry == "" {
		err := regpass.Usagef("buildkite: %s does not name a package registry", regpass.Quote(t.Ref.String()))
		return regpass.Credential{}, regpass.Hintf(err, "write https://%s/ORGANIZATION/REGISTRY", t.Ref.Host)
	}
	const op = "buildkite: take the CI identity"
	var got token
	err := p.withIdentity(ctx, env, "buildkite", t.Audience, func(_ context.Context, id regpass.Identity) (err error) {
		c := id.Claims
		if life := c.Expires.Sub(c.IssuedAt); !c.IssuedAt.IsZero() && life > buildkiteLife {
			err := fmt.Errorf("%s: the ID token from %s lives for %s, and Buildkite takes only those of %s", op, p.From,
				regpass.Short(life), buildkiteLife)
			return regpass.Hintf(err, "use a key of the registry (REGPASS_API_KEY), or a CI system with shorter ones: "+
				"GitHub Actions, Buildkite")
		}
		got, err = newToken(env, op, id.Token.Reveal())
		return err
	})
	return regpass.Credential{Kind: regpass.Basic, Username: buildkiteUser, Secret: got.secret, Expires: got.expires}, err
}

// trustBuildkite lets one job in by the registry's OIDC policy
// (https://buildkite.com/docs/package-registries/security/oidc).
func trustBuildkite(_ *regpass.Env, t Target, j Job) (Trust, error) {
	b, _ := t.exchanger.(buildkiteRef)
	var policy strings.Builder
	policy.WriteString("- iss: " + yaml(j.Issuer) + "\n  scopes:\n    - read_packages\n  claims:\n")
	for _, c := range j.telling() {
		policy.WriteString("    " + c.Name + ": " + yaml(c.Value) + "\n") // text alone is compared letter by letter
	}
	return Trust{
		Where: "Buildkite, Package Registries, " + cmp.Or(b.registry, placeholder("registry")) +
			", Settings, OIDC Policy",
		Fields:    append([]Field{{"iss", j.Issuer}, {"scopes", "read_packages"}}, claimFields(j.telling())...),
		Documents: []Document{{"policy", policy.String()}},
		Notes: []string{"Buildkite takes ID tokens of Buildkite, GitHub Actions and CircleCI, for at most 300 seconds " +
			"and for the audience " + j.Audience + ".", "A job that publishes needs the scope write_packages too."},
	}, nil
}

// yaml quotes text as a string of YAML, whose double-quoted strings take all escapes of JSON
// (https://yaml.org/spec/1.2.2/#double-quoted-style).
func yaml(text string) string { return compactJSON(text) }
