package registry

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/aws"
)

// codeArtifact is AWS CodeArtifact. The URL names the domain, its owner's account and the region; the role that may
// read is in AWS_ROLE_ARN, where aws-actions/configure-aws-credentials has it too.
var codeArtifact = Row{
	Name:    "codeartifact",
	Also:    []string{"aws"},
	Title:   "AWS CodeArtifact",
	Proven:  "AWS's SDK, with a strict fake; uv",
	Doc:     "https://docs.aws.amazon.com/codeartifact/latest/ug/tokens-authentication.html",
	Hosts:   []string{"DOMAIN-ACCOUNT.d.codeartifact.REGION.amazonaws.com"},
	Example: "https://acme-123456789012.d.codeartifact.eu-west-1.amazonaws.com/pypi/main/simple/",
	Match:   func(_ *regpass.Env, ref regpass.Ref) bool { return codeArtifactDomain(ref.Host) != nil },
	Proofs: []Source{
		{Method: regpass.ReadyToken, Vars: []string{"CODEARTIFACT_AUTH_TOKEN"}},
		{Method: regpass.APIKey, Vars: aws.Vars, Parts: 2, Read: readAWS,
			Doc: "keys of AWS; the session token may be missing"},
	},
	Options: []Option{awsRole,
		{Name: "duration", Doc: "lifetime of the credential in seconds, 900 to 43200; 3600 if it is not given"}},
	OIDC:      true,
	Needs:     []string{awsRole.Name},
	Exchanges: true,
	CargoBare: true, // https://docs.aws.amazon.com/codeartifact/latest/ug/configure-use-cargo.html
	Cloud:     awsCloud,
	Refusals:  awsRefusals,
	Trust:     trustCodeArtifact,
	Open:      openCodeArtifact,
}

// codeArtifactHost matches a domain, which may hold dashes, the 12 digits of its owner's account, and a region.
var codeArtifactHost = hostPattern(`^([a-z][a-z0-9-]{0,48}[a-z0-9])-([0-9]{12})\.d\.codeartifact\.`+
	`(`+aws.Region+`)\.(amazonaws\.(?:com(?:\.cn)?|eu))$`, ".d.codeartifact.")

// codeArtifactUser is the user name for clients that speak Basic.
const codeArtifactUser = "aws"

// codeArtifactRef is a domain of CodeArtifact.
type codeArtifactRef struct{ domain, owner, region, duration string }

// codeArtifactDomain is host's match, or nil.
func codeArtifactDomain(host string) []string {
	if m := codeArtifactHost(host); m != nil && m[4] == aws.PartitionOf(m[3]).Suffix {
		return m
	}
	return nil
}

func openCodeArtifact(env *regpass.Env, ref regpass.Ref) (Target, error) {
	m := codeArtifactDomain(ref.Host)
	if m == nil {
		err := regpass.Usagef("%s is no host of CodeArtifact", regpass.Quote(ref.Host))
		return Target{}, regpass.Hintf(err, "it looks like acme-123456789012.d.codeartifact.eu-west-1.amazonaws.com")
	}
	c := codeArtifactRef{domain: m[1], owner: m[2], region: m[3], duration: "3600"}
	if d, given := ref.Options["duration"]; given {
		if err := checkSeconds("duration", d, 900, 43200); err != nil {
			return Target{}, err
		}
		c.duration = d
	}
	t, err := awsTarget(env, ref, c.region, "read "+ref.Host)
	t.exchanger = c
	return t, err
}

// exchange gets keys, and with them the domain's token. The token outlives the keys.
//
//	POST /v1/authorization-token?domain=…&domain-owner=…&duration=…   signed, no body
//	{"authorizationToken": …, "expiration": seconds since 1970}
//
// https://docs.aws.amazon.com/codeartifact/latest/APIReference/API_GetAuthorizationToken.html
func (c codeArtifactRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (
	regpass.Credential, error) {
	if p.Method == regpass.ReadyToken {
		got, err := p.readyToken(env, "codeartifact")
		return regpass.Credential{Kind: regpass.Bearer, Username: codeArtifactUser, Secret: got.secret,
			Expires: got.expires}, err
	}
	keys, err := awsHop(ctx, env, t, p)
	if err != nil {
		return regpass.Credential{}, err
	}
	at, err := aws.CodeArtifact.Endpoint(env, c.region, aws.Variant{})
	if err != nil {
		return regpass.Credential{}, err
	}
	at = apiURL(at, "/v1/authorization-token")
	at.RawQuery = url.Values{"domain": {c.domain}, "domain-owner": {c.owner}, "duration": {c.duration}}.Encode()
	const op = "codeartifact: get a token"
	var got struct {
		Token   string `json:"authorizationToken"`
		Expires any    `json:"expiration"`
	}
	err = env.Retry(ctx, func(ctx context.Context) error {
		return aws.TryAgain(env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost, URL: at,
			Sign:  aws.Signer{Keys: keys, Region: c.region, Service: aws.CodeArtifact, Now: env.Now()},
			Scrub: keys.Secrets()}, &got))
	})
	if err != nil {
		return regpass.Credential{}, err
	}
	minted, err := newTokenUntil(env, op, got.Token, got.Expires, sinceEpoch)
	if err == nil && minted.expires.IsZero() {
		life, _ := time.ParseDuration(c.duration + "s") // a number, see openCodeArtifact
		minted.expires = env.Now().Add(life)
	}
	return regpass.Credential{Kind: regpass.Bearer, Username: codeArtifactUser, Secret: minted.secret,
		Expires: minted.expires}, err
}
