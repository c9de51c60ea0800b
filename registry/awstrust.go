package registry

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/aws"
)

// trustCodeArtifact lets one job read a domain.
func trustCodeArtifact(env *regpass.Env, t Target, j Job) (Trust, error) {
	c, _ := t.exchanger.(codeArtifactRef)
	arn := "arn:" + aws.PartitionOf(c.region).Name + ":codeartifact:" + c.region + ":" + c.owner + ":"
	return trustAWS(env, t, j, c.owner, c.region, []awsStatement{
		{Effect: "Allow", Action: []string{"codeartifact:GetAuthorizationToken"}, Resource: arn + "domain/" + c.domain},
		{Effect: "Allow", Action: []string{"codeartifact:GetRepositoryEndpoint", "codeartifact:ReadFromRepository"},
			Resource: arn + "repository/" + c.domain + "/*"},
		{Effect: "Allow", Action: []string{"sts:GetServiceBearerToken"}, Resource: "*",
			Condition: map[string]map[string]string{"StringEquals": {"sts:AWSServiceName": "codeartifact.amazonaws.com"}}},
	})
}

// trustECR lets one job pull every image of a registry, and of ECR Public as somebody.
func trustECR(env *regpass.Env, t Target, j Job) (Trust, error) {
	e, _ := t.exchanger.(ecrRef)
	if e.account == "" {
		return trustAWS(env, t, j, "", e.region, []awsStatement{
			{Effect: "Allow", Action: []string{"ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"}, Resource: "*"},
		})
	}
	out, err := trustAWS(env, t, j, e.account, e.region, []awsStatement{
		{Effect: "Allow", Action: []string{"ecr:GetAuthorizationToken"}, Resource: "*"}, // it takes no other
		{Effect: "Allow", Action: []string{"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage",
			"ecr:GetDownloadUrlForLayer"},
			Resource: "arn:" + aws.PartitionOf(e.region).Name + ":ecr:" + e.region + ":" + e.account + ":repository/*"},
	})
	out.Notes = append(out.Notes, "Write the names of the repositories instead of * where the job needs only those.")
	return out, err
}

// awsStatement is one of an IAM policy
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html).
type awsStatement struct {
	Effect    string
	Principal map[string]string `json:",omitempty"`
	Action    []string
	Resource  string                       `json:",omitempty"`
	Condition map[string]map[string]string `json:",omitempty"`
}

type awsPolicy struct {
	Version   string
	Statement []awsStatement
}

func newAWSPolicy(all ...awsStatement) awsPolicy { return awsPolicy{"2012-10-17", all} }

// literal writes text into a condition, in which ${ begins a variable of the request and ${$} is a dollar sign. To
// StringEquals, * and ? are letters
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).
func literal(text string) string { return strings.ReplaceAll(text, "${", "${$}{") }

// trustAWS lets one job assume a role with the permissions. owner is the registry's account, if it has one; the role of
// AWS_ROLE_ARN may be in another.
func trustAWS(env *regpass.Env, t Target, j Job, owner, region string, permissions []awsStatement) (Trust, error) {
	if err := j.bySubject(t.Row.Name); err != nil {
		return Trust{}, err
	}
	partition := aws.PartitionOf(region).Name
	role := awsRole.value(env, t.Ref)
	account, name := known(owner, "account"), "regpass-ci"
	if m := awsRoleARN().FindStringSubmatch(role); m != nil {
		account, name = m[2], m[3]
	} else {
		role = fmt.Sprintf("arn:%s:iam::%s:role/%s", partition, account, name)
	}
	issuer, err := url.Parse(j.Issuer)
	if err != nil || issuer.Host == "" {
		return Trust{}, regpass.Usagef("%s is no issuer", regpass.Quote(j.Issuer))
	}
	id := issuer.Host + strings.TrimSuffix(issuer.Path, "/") // IAM names a provider by its URL without the scheme
	trust := newAWSPolicy(awsStatement{Effect: "Allow", Action: []string{"sts:AssumeRoleWithWebIdentity"},
		Principal: map[string]string{"Federated": fmt.Sprintf("arn:%s:iam::%s:oidc-provider/%s", partition, account, id)},
		Condition: map[string]map[string]string{"StringEquals": {id + ":aud": literal(j.Audience),
			id + ":sub": literal(j.Subject())}}})
	allow := newAWSPolicy(permissions...)
	out := Trust{
		Where: "IAM of the account " + account,
		Fields: []Field{{"OIDC provider", j.Issuer}, {"audience", j.Audience}, {"role", name},
			{"subject", j.Subject()}},
		Documents: []Document{{"trust policy of the role", trust}, {"permission policy of the role", allow}},
		Workflow:  []Field{{"AWS_ROLE_ARN", role}},
		Notes: []string{"IAM compares sub letter by letter; a * in it needs StringLike instead of StringEquals.",
			"An account has one OIDC provider for an issuer: leave out what makes it if it is there."},
	}
	out.Shell = fmt.Sprintf(`aws iam create-open-id-connect-provider --url %[1]s --client-id-list %[2]s
aws iam create-role --role-name %[3]s --assume-role-policy-document %[4]s
aws iam put-role-policy --role-name %[3]s --policy-name registry --policy-document %[5]s
`, shell(j.Issuer), shell(j.Audience), shell(name), shell(compactJSON(trust)), shell(compactJSON(allow)))
	out.Terraform = fmt.Sprintf(`resource "aws_iam_openid_connect_provider" "ci" {
  url            = %s
  client_id_list = [%s]
}

resource "aws_iam_role" "regpass" {
  name               = %s
  assume_role_policy = %s
}

resource "aws_iam_role_policy" "registry" {
  name   = "registry"
  role   = aws_iam_role.regpass.id
  policy = %s
}
`, hcl(j.Issuer), hcl(j.Audience), hcl(name), hcl(compactJSON(trust)), hcl(compactJSON(allow)))
	return out, nil
}
