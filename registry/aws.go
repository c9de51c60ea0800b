package registry

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// Amazon's registries share the first hop: an identity, or the machine's role, becomes keys, and keys sign the request
// for the registry's token.

// awsKeys are keys that sign requests.
type awsKeys struct {
	id              string
	secret, session regpass.Secret // session may be empty
}

// all are the secrets that an error must not repeat.
func (k awsKeys) all() []regpass.Secret { return []regpass.Secret{k.secret, k.session} }

// awsPartition is a part of AWS with accounts and hosts of its own.
type awsPartition struct {
	prefix   string // of its regions
	name     string // in an ARN
	suffix   string // of its hosts
	audience string // what its accounts register for OIDC
}

// awsPartitions ends with the one of all other regions
// (https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html).
var awsPartitions = []awsPartition{
	{"cn-", "aws-cn", "amazonaws.com.cn", "sts.amazonaws.com.cn"},
	{"us-gov-", "aws-us-gov", "amazonaws.com", "sts.amazonaws.com"},
	{"eusc-", "aws-eusc", "amazonaws.eu", "sts.amazonaws.com"},
	{"us-iso-", "aws-iso", "c2s.ic.gov", "sts.amazonaws.com"},
	{"us-isob-", "aws-iso-b", "sc2s.sgov.gov", "sts.amazonaws.com"},
	{"", "aws", "amazonaws.com", "sts.amazonaws.com"},
}

func awsPartitionOf(region string) awsPartition {
	i := slices.IndexFunc(awsPartitions, func(p awsPartition) bool { return strings.HasPrefix(region, p.prefix) })
	return awsPartitions[i] // the last one matches
}

// awsEndpoint is where a service of a region is asked. service is its name in the SDKs' variables: "CODEARTIFACT"
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
func awsEndpoint(env *regpass.Env, service, host, region string) (*url.URL, error) {
	usual := "https://" + host + "." + region + "." + awsPartitionOf(region).suffix
	if strings.EqualFold(env.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
		return endpoint(env, usual)
	}
	return endpoint(env, usual, "AWS_ENDPOINT_URL_"+service, "AWS_ENDPOINT_URL")
}

// awsTarget fills in what the first hop decides: who is shown the identity, and for which audience.
func awsTarget(env *regpass.Env, ref regpass.Ref, region, scope string) (Target, error) {
	sts, err := awsEndpoint(env, "STS", "sts", region)
	if err != nil {
		return Target{}, err
	}
	role := awsRole.value(env, ref)
	if role != "" && !awsRoleARN().MatchString(role) {
		err := regpass.Usagef("role= or AWS_ROLE_ARN is %s, which is no ARN of a role", regpass.Quote(role))
		return Target{}, regpass.Hintf(err, "it looks like arn:aws:iam::123456789012:role/ci")
	}
	return Target{Receiver: sts, Audience: cmp.Or(ref.Options["audience"], awsPartitionOf(region).audience),
		Scope: scope + " as " + role, Narrow: true}, nil
}

// awsRole is the option of all rows of AWS.
var awsRole = Option{Name: "role", Vars: []string{"AWS_ROLE_ARN"},
	Doc: "ARN of the IAM role that the CI identity is exchanged for"}

// awsRoleARN matches the ARN of a role, which may have a path.
var awsRoleARN = regpass.Pattern(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,576}$`)

// awsHop gets keys for the proof.
func awsHop(ctx context.Context, env *regpass.Env, t Target, p Proof) (awsKeys, error) {
	switch p.Method {
	case regpass.OIDC:
		return awsAssumeRole(ctx, env, t, p)
	case regpass.Cloud:
		return awsMachineKeys(ctx, env)
	case regpass.APIKey:
		if p.Kind != regpass.S3 {
			return awsKeys{}, regpass.Hintf(t.unsupported(p), "set %s and %s", awsVars[0], awsVars[1])
		}
		cred := regpass.Credential{Username: p.Username}
		if err := s3Key(&cred, p); err != nil {
			return awsKeys{}, fmt.Errorf("%s: the key from %s: %w", t.Row.Name, p.From, err)
		}
		return awsKeys{id: cred.Username, secret: cred.Secret, session: cred.SessionToken}, nil
	}
	return awsKeys{}, t.unsupported(p)
}

// awsAnswer is STS's answer to AssumeRoleWithWebIdentity.
type awsAnswer struct {
	Keys struct {
		ID      string `xml:"AccessKeyId"`
		Secret  string `xml:"SecretAccessKey"`
		Session string `xml:"SessionToken"`
	} `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
}

// awsAssumeRole exchanges a CI identity for the keys of a role, for the shortest time that STS knows: what the registry
// gives for them lasts longer.
//
//	POST /   Action=AssumeRoleWithWebIdentity&RoleArn=…&WebIdentityToken=…, unsigned
//	<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>…
//
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func awsAssumeRole(ctx context.Context, env *regpass.Env, t Target, p Proof) (awsKeys, error) {
	op := t.Row.Name + ": assume the role"
	var answer []byte
	err := p.withIdentity(ctx, env, t.Row.Name, t.Audience, func(ctx context.Context, id regpass.Identity) (err error) {
		answer, err = env.Do(ctx, regpass.Request{Op: op, Method: http.MethodPost, URL: apiURL(t.Receiver, "/"),
			Form: map[string]any{
				"Action":           "AssumeRoleWithWebIdentity",
				"Version":          "2011-06-15",
				"RoleArn":          t.option(env, awsRole.Name),
				"RoleSessionName":  awsSessionName(id),
				"DurationSeconds":  "900",
				"WebIdentityToken": id.Token,
			}})
		return awsTryAgain(err)
	})
	if err != nil {
		return awsKeys{}, err
	}
	var got awsAnswer
	if err := xml.Unmarshal(answer, &got); err != nil {
		return awsKeys{}, fmt.Errorf("%s: the answer (%d bytes) is not the expected XML", op, len(answer))
	}
	return newAWSKeys(env, op, got.Keys.ID, got.Keys.Secret, got.Keys.Session)
}

// newAWSKeys checks keys that AWS made, and has them masked.
func newAWSKeys(env *regpass.Env, op, id, secret, session string) (k awsKeys, err error) {
	parsed, err := regpass.ParseToken(id) // not secret: every signed request shows it
	if err == nil {
		k.secret, err = parseMinted(secret)
	}
	if err == nil {
		k.session, err = parseMinted(session)
	}
	if err != nil {
		return awsKeys{}, fmt.Errorf("%s: the answer: %w", op, err)
	}
	k.id = parsed.Reveal()
	env.Mask(k.all()...)
	return k, nil
}

// notInSession matches what the name of a session may not hold, in CloudTrail and in the role's ARN.
var notInSession = regpass.Pattern(`[^\w+=,.@-]+`)

// awsSessionName names the session after the run, for whoever reads the account's log.
func awsSessionName(id regpass.Identity) string {
	name := "regpass"
	for _, claim := range []string{"run_id", "job_id", "build_number", "pipeline_id", "jti"} {
		if v, ok := id.Claims.All[claim].(string); ok && v != "" {
			name += "-" + notInSession().ReplaceAllString(v, "-")
			break
		}
	}
	return name[:min(64, len(name))]
}

// awsTransient are the answers that another try can mend, although their status is 400
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
var awsTransient = []string{"Throttl", "RequestLimitExceeded", "RequestTimeout", "IDPCommunicationError",
	"Couldn't retrieve verification key"}

func awsTryAgain(err error) error {
	if refusedByServer(err) && slices.ContainsFunc(awsTransient, func(s string) bool {
		return strings.Contains(err.Error(), s)
	}) {
		return regpass.TryAgain(err)
	}
	return err
}

// awsRefusals are what STS answers; the same text stands for a wrong subject, a wrong audience and a role that is not
// there (https://github.com/aws-actions/configure-aws-credentials/issues/318).
var awsRefusals = []Refusal{
	{"Not authorized to perform sts:AssumeRoleWithWebIdentity", "the role's trust policy does not match these claims: " +
		"sub, letter by letter, and aud; or there is no such role in that account"},
	{"No OpenIDConnect provider found", "the account has no IAM OIDC provider for the issuer of this CI system"},
	{"Incorrect token audience", "the IAM OIDC provider does not list the audience"},
	{"ValidationError: The requested DurationSeconds", "the role allows only longer or shorter sessions: set its " +
		"maximum session duration to an hour or more"},
	{"not authorized to perform: sts:GetServiceBearerToken", "the role's permissions lack sts:GetServiceBearerToken"},
	{"not authorized to perform", "the role's permissions lack this action on this resource"},
}

// sigV4 signs with Signature Version 4
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html): the host, the media
// type and all headers of AWS.
type sigV4 struct {
	keys            awsKeys
	region, service string
	now             time.Time
}

// Sign is regpass.Signer.
func (s sigV4) Sign(r *http.Request, body []byte) error {
	moment := s.now.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", moment)
	if !s.keys.session.Empty() {
		r.Header.Set("X-Amz-Security-Token", s.keys.session.Reveal())
	}
	signed := map[string]string{"host": r.URL.Host}
	for name, values := range r.Header {
		if name = strings.ToLower(name); name == "content-type" || strings.HasPrefix(name, "x-amz-") {
			signed[name] = strings.Join(values, ",")
		}
	}
	names := slices.Sorted(maps.Keys(signed))
	var headers strings.Builder
	for _, name := range names {
		headers.WriteString(name + ":" + strings.TrimSpace(signed[name]) + "\n")
	}
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	canonical := strings.Join([]string{r.Method, cmp.Or(r.URL.EscapedPath(), "/"), query, headers.String(),
		strings.Join(names, ";"), sum(body)}, "\n")
	scope := strings.Join([]string{moment[:8], s.region, s.service, "aws4_request"}, "/")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", moment, scope, sum([]byte(canonical))}, "\n")
	key := []byte("AWS4" + s.keys.secret.Reveal())
	for _, part := range append(strings.Split(scope, "/"), text) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x",
		s.keys.id, scope, strings.Join(names, ";"), key))
	return nil
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
