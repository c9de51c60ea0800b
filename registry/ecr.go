package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/aws"
)

// ecr is AWS ECR: the registry of an account in a region, and ECR Public.
var ecr = Row{
	Name:   "ecr",
	Also:   []string{"aws"},
	Title:  "AWS ECR and ECR Public",
	Proven: "AWS's SDK, with a strict fake",
	Doc:    "https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html",
	Pages:  []string{"gallery.ecr.aws"},
	Hosts: []string{"ACCOUNT.dkr.ecr.REGION.amazonaws.com", "ACCOUNT.dkr-ecr.REGION.on.aws", ecrPublicHost,
		ecrPublicDual},
	Example: "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com",
	Match: func(_ *regpass.Env, ref regpass.Ref) bool {
		_, ok := newECR(ref.Host)
		return ok
	},
	PublicHosts: []string{ecrPublicHost, ecrPublicDual},
	Proofs: []Source{{Method: regpass.APIKey, Vars: aws.Vars, Parts: 2, Read: readAWS,
		Doc: "keys of AWS; the session token may be missing"}},
	Options:   []Option{awsRole},
	OIDC:      true,
	Needs:     []string{awsRole.Name},
	Exchanges: true,
	Cloud:     awsCloud,
	Halfway:   true,
	Images:    true,
	Refusals:  awsRefusals,
	Trust:     trustECR,
	Open:      openECR,
}

// The hosts of ECR Public, of which one has IPv6. Its API is in us-east-1 only
// (https://docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html).
const (
	ecrPublicHost   = "public.ecr.aws"
	ecrPublicDual   = "ecr-public.aws.com"
	ecrPublicRegion = "us-east-1"
)

// ecrHost matches the account, the kind of host, the region and the suffix
// (https://docs.aws.amazon.com/general/latest/gr/ecr.html).
var ecrHost = hostPattern(`^([0-9]{12})\.dkr([.-])ecr(-fips)?\.(`+aws.Region+`)\.([a-z0-9.-]+)$`, "ecr")

// ecrDual are the suffixes of registries with IPv6, by partition.
var ecrDual = map[string]string{"aws": "on.aws", "aws-us-gov": "on.aws", "aws-cn": "on.amazonwebservices.com.cn"}

// ecrRef is a registry of ECR.
type ecrRef struct {
	service aws.Service
	account string // empty: ECR Public
	region  string
	variant aws.Variant
}

// newECR reads a host; ok is false if it is none of ECR's.
func newECR(host string) (e ecrRef, ok bool) {
	if host == ecrPublicHost || host == ecrPublicDual {
		return ecrRef{service: aws.ECRPublic, region: ecrPublicRegion, variant: aws.Variant{Dual: host == ecrPublicDual}},
			true
	}
	m := ecrHost(host)
	if m == nil {
		return ecrRef{}, false
	}
	e = ecrRef{service: aws.ECR, account: m[1], region: m[4], variant: aws.Variant{FIPS: m[3] != "", Dual: m[2] == "-"}}
	suffix := aws.PartitionOf(e.region).Suffix
	if e.variant.Dual {
		suffix = ecrDual[aws.PartitionOf(e.region).Name]
	}
	return e, m[5] == suffix
}

func openECR(env *regpass.Env, ref regpass.Ref) (Target, error) {
	e, ok := newECR(ref.Host)
	if !ok {
		err := regpass.Usagef("%s is no host of ECR", regpass.Quote(ref.Host))
		return Target{}, regpass.Hintf(err, "it looks like 123456789012.dkr.ecr.eu-west-1.amazonaws.com or public.ecr.aws")
	}
	t, err := awsTarget(env, ref, e.region, "images "+ref.Host)
	t.exchanger = e
	return t, err
}

// ecrUser is the only user name, and ecrLifetime how long its passwords last.
const (
	ecrUser     = "AWS"
	ecrLifetime = 12 * time.Hour
)

// exchange gets keys, and with them the password of the user AWS.
//
//	POST /   X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken, signed
//	{"authorizationData":[{"authorizationToken": base64 of AWS:password, "expiresAt": seconds since 1970}]}
//
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
// https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html
func (e ecrRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	keys, err := awsHop(ctx, env, t, p)
	if err != nil {
		return regpass.Credential{}, err
	}
	at, err := e.service.Endpoint(env, e.region, e.variant)
	if err != nil {
		return regpass.Credential{}, err
	}
	const op = "ecr: get a password"
	request := regpass.Request{Op: op, Method: http.MethodPost, URL: apiURL(at, "/"), JSON: map[string]any{},
		Header: http.Header{"X-Amz-Target": {e.target()}, "Content-Type": {"application/x-amz-json-1.1"}},
		Scrub:  keys.Secrets()}
	var answer struct{ AuthorizationData json.RawMessage }
	err = env.Retry(ctx, func(ctx context.Context) error {
		request.Sign = aws.Signer{Keys: keys, Region: e.region, Service: e.service, Now: env.Now()}
		return aws.TryAgain(env.DoJSON(ctx, request, &answer))
	})
	if err != nil {
		return regpass.Credential{}, err
	}
	got, err := e.read(env, op, answer.AuthorizationData)
	return regpass.Credential{Kind: regpass.Basic, Username: ecrUser, Secret: got.secret, Expires: got.expires}, err
}

// read finds the password in the answer, which is a list of one, and in that of ECR Public one.
func (e ecrRef) read(env *regpass.Env, op string, answer json.RawMessage) (token, error) {
	type data struct {
		Token   string `json:"authorizationToken"`
		Expires any    `json:"expiresAt"`
	}
	got := make([]data, 1)
	var err error
	if e.account == "" {
		err = json.Unmarshal(answer, &got[0])
	} else {
		err = json.Unmarshal(answer, &got)
	}
	if err != nil || len(got) != 1 {
		return token{}, fmt.Errorf("%s: the answer holds not one authorizationData", op)
	}
	text, err := base64.StdEncoding.DecodeString(got[0].Token)
	user, password, _ := strings.Cut(string(text), ":")
	if err != nil || user != ecrUser {
		return token{}, fmt.Errorf("%s: the answer holds no user %s and password in base64", op, ecrUser)
	}
	minted, err := newTokenUntil(env, op, password, got[0].Expires, sinceEpoch)
	if err == nil && minted.expires.IsZero() {
		minted.expires = env.Now().Add(ecrLifetime)
	}
	return minted, err
}

// target names the operation for the service.
func (e ecrRef) target() string {
	if e.account == "" {
		return "SpencerFrontendService.GetAuthorizationToken"
	}
	return "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
}
