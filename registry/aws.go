package registry

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/aws"
)

// Amazon's registries share the first hop: an identity, or the machine's role, becomes keys, and keys sign the request
// for the registry's token.

// awsTarget fills in what the first hop decides: who is shown the identity, and for which audience.
func awsTarget(env *regpass.Env, ref regpass.Ref, region, scope string) (Target, error) {
	sts, err := aws.STS.Endpoint(env, region, aws.Variant{})
	if err != nil {
		return Target{}, err
	}
	role, p := awsRole.value(env, ref), aws.PartitionOf(region)
	if m := awsRoleARN().FindStringSubmatch(role); role != "" && (m == nil || len(role) > maxARN) {
		err := regpass.Usagef("role= or AWS_ROLE_ARN is %s, which is no ARN of a role", regpass.Quote(role))
		return Target{}, regpass.Hintf(err, "it looks like arn:%s:iam::123456789012:role/ci", p.Name)
	} else if m != nil && m[1] != p.Name {
		return Target{}, regpass.Usagef("the role %s is in the partition %s, and the registry is in %s",
			regpass.Quote(role), m[1], p.Name)
	}
	return Target{Receiver: sts, Audience: cmp.Or(ref.Options["audience"], p.Audience),
		Scope: scope + " as " + role}, nil
}

// awsRole is the option of all rows of AWS.
var awsRole = Option{Name: "role", Vars: []string{"AWS_ROLE_ARN"},
	Doc: "ARN of the IAM role that the CI identity is exchanged for"}

// awsRoleARN matches the ARN of a role: its partition, its account, and its name behind its path, if it has one
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html).
var awsRoleARN = regpass.Pattern(`^arn:(aws[a-z-]*):iam::([0-9]{12}):role/(?:[!-.0-~]+/)*([\w+=,.@-]{1,64})$`)

// maxARN is the length of the longest ARN that STS takes.
const maxARN = 2048

// awsCloud is the role of the machine.
func awsCloud(env *regpass.Env, _ Target) string { return aws.Machine(env) }

// awsHop gets keys for the proof.
func awsHop(ctx context.Context, env *regpass.Env, t Target, p Proof) (aws.Keys, error) {
	switch p.Method {
	case regpass.OIDC:
		return awsAssumeRole(ctx, env, t, p)
	case regpass.Cloud:
		return aws.MachineKeys(ctx, env)
	case regpass.APIKey:
		if p.Kind != regpass.S3 {
			return aws.Keys{}, regpass.Hintf(t.unsupported(p), "set %s and %s", aws.Vars[0], aws.Vars[1])
		}
		cred := regpass.Credential{Username: p.Username}
		if err := s3Key(&cred, p); err != nil {
			return aws.Keys{}, fmt.Errorf("%s: the key from %s: %w", t.Row.Name, p.From, err)
		}
		return aws.Keys{ID: cred.Username, Secret: cred.Secret, Session: cred.SessionToken}, nil
	}
	return aws.Keys{}, t.unsupported(p)
}

// awsAssumeRole exchanges a CI identity for the keys of a role, for the shortest time that STS knows: what the registry
// gives for them lasts longer.
//
//	POST /   Action=AssumeRoleWithWebIdentity&RoleArn=…&WebIdentityToken=…, unsigned
//	<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>…
//
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func awsAssumeRole(ctx context.Context, env *regpass.Env, t Target, p Proof) (aws.Keys, error) {
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
		return aws.TryAgain(err)
	})
	if err != nil {
		return aws.Keys{}, err
	}
	got, err := aws.Fields(answer)
	if err != nil {
		return aws.Keys{}, fmt.Errorf("%s: the answer (%d bytes) is not the expected XML", op, len(answer))
	}
	const keys = "AssumeRoleWithWebIdentityResult/Credentials/"
	return aws.NewKeys(env, op, got[keys+"AccessKeyId"], got[keys+"SecretAccessKey"], got[keys+"SessionToken"])
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

// awsClock is what a signature of another hour tells
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html).
const awsClock = "set this machine's clock: AWS takes a signature for a few minutes only"

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
	{"security token included in the request is", "the keys have expired or been deleted: get new ones, or unset " +
		"AWS_ACCESS_KEY_ID to use another proof"},
	{"Signature expired", awsClock},
	{"Signature not yet current", awsClock},
}
