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
	"github.com/regpass/regpass/ci"
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
		return errors.New("no claim is pinned, so every job at the issuer would be trusted; " +
			`add one such as repository = "acme/app"`)
	}
	return checkShared(t)
}

// checkShared refuses a policy for an issuer that serves everyone if it does not say whose job it trusts.
func checkShared(t Trust) error {
	issuer := strings.TrimSuffix(t.Issuer, "/")
	i := slices.IndexFunc(ci.Systems, func(s ci.System) bool { return s.Issuer != "" && s.Issuer == issuer })
	if i < 0 {
		return nil
	}
	var claims []string
	for _, o := range ci.Systems[i].Owners {
		if pinned, err := regexp.MatchString(o.Pin, t.Claims[o.Claim]); err == nil && pinned {
			return nil
		}
		claims = append(claims, o.Claim)
	}
	slices.Sort(claims)
	return fmt.Errorf("this issuer serves everyone, so the owner must be pinned without a *, in one of: %s",
		strings.Join(claims, ", "))
}
