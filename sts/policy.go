package sts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// maxClaim is the longest value of a claim that can match, in bytes.
const maxClaim = 4096

// pattern compiles text in which * matches any run of characters and every other character itself.
func pattern(text string) *regexp.Regexp {
	parts := strings.Split(text, "*")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile(`(?s)\A(?:` + strings.Join(parts, `.*`) + `)\z`) // quoted text always compiles
}

// policy is a Trust with its patterns compiled.
type policy struct {
	Trust
	patterns map[string]*regexp.Regexp
}

func newPolicy(t Trust) policy {
	p := policy{Trust: t, patterns: map[string]*regexp.Regexp{}}
	for claim, text := range t.Claims {
		p.patterns[claim] = pattern(text)
	}
	return p
}

// mismatch returns the first claim, in alphabetical order, that does not match. It is empty if all match.
func (p policy) mismatch(claims map[string]json.RawMessage) string {
	for _, name := range p.names() {
		value, ok := claimText(claims[name])
		if !ok || len(value) > maxClaim || !p.patterns[name].MatchString(value) {
			return name
		}
	}
	return ""
}

// names lists the claims that the policy checks.
func (p policy) names() []string {
	var all []string
	for n := range p.patterns {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// claimText is the text that a pattern must match: a string's value, or other JSON without white space. Absent and null
// claims have none.
func claimText(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", false
	}
	if raw[0] == '"' {
		var s string
		return s, json.Unmarshal(raw, &s) == nil
	}
	var text bytes.Buffer
	err := json.Compact(&text, raw)
	return text.String(), err == nil
}

// notPins are claims that do not identify the job, or that other fields of the policy set.
var notPins = []string{"iss", "aud", "exp", "iat", "nbf", "jti"}

// checkClaims refuses a policy that would trust everyone at the issuer.
func checkClaims(t Trust) error {
	pinned := false
	for claim, text := range t.Claims {
		switch {
		case claim == "":
			return errors.New("a claim has no name")
		case slices.Contains(notPins, claim):
			return fmt.Errorf("%s takes no pattern; see issuer and audience", claim)
		case text == "":
			return fmt.Errorf("%s has an empty pattern", regpass.Quote(claim))
		}
		pinned = pinned || strings.Trim(text, "*") != ""
	}
	if !pinned {
		return errors.New(`no claim is pinned, so every job at the issuer would be trusted; ` +
			`add one such as repository = "acme/app"`)
	}
	return checkShared(t)
}

// shared is an issuer that signs for everyone in the world, and the claims that tell one tenant from another: a
// pattern for one of them must begin with what owner matches, or the policy trusts strangers.
type shared struct {
	issuer string
	owners map[string]func() *regexp.Regexp
}

var (
	exact     = regpass.Pattern(`^[^*]+$`)
	ownerPath = regpass.Pattern(`^[^*/]+/`)
	topGroup  = regpass.Pattern(`^[^*/]+(?:/|$)`)
)

var sharedIssuers = []shared{
	// https://docs.github.com/en/actions/reference/security/oidc
	{"https://token.actions.githubusercontent.com", map[string]func() *regexp.Regexp{
		"repository": ownerPath, "repository_id": exact, "repository_owner": exact, "repository_owner_id": exact,
		"enterprise_id": exact, "sub": regpass.Pattern(`^repo:[^*/]+/`)}},
	// https://docs.gitlab.com/ci/secrets/id_token_authentication/
	{"https://gitlab.com", map[string]func() *regexp.Regexp{
		"project_path": ownerPath, "project_id": exact, "namespace_path": topGroup, "namespace_id": exact,
		"sub": regpass.Pattern(`^project_path:[^*/]+/`)}},
	// https://buildkite.com/docs/agent/cli/reference/oidc
	{"https://agent.buildkite.com", map[string]func() *regexp.Regexp{
		"organization_slug": exact, "organization_id": exact, "pipeline_id": exact,
		"sub": regpass.Pattern(`^organization:[^*:]+:`)}},
	// https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/
	{"https://oidc.circleci.com", map[string]func() *regexp.Regexp{
		"oidc.circleci.com/org-id": exact, "oidc.circleci.com/project-id": exact, "sub": regpass.Pattern(`^org/[^*/]+/`)}},
	// https://cloud.google.com/compute/docs/instances/verifying-instance-identity
	{"https://accounts.google.com", map[string]func() *regexp.Regexp{"sub": exact, "email": exact}},
}

// checkShared refuses a policy that leaves open whose job it is, where anyone can have one.
func checkShared(t Trust) error {
	for _, s := range sharedIssuers {
		if strings.TrimSuffix(t.Issuer, "/") != s.issuer {
			continue
		}
		var could []string
		for claim, begins := range s.owners {
			if begins().MatchString(t.Claims[claim]) {
				return nil
			}
			could = append(could, claim)
		}
		slices.Sort(could)
		return fmt.Errorf("this issuer serves everyone, so the owner must be pinned without a *, in one of: %s", strings.Join(could, ", "))
	}
	return nil
}
