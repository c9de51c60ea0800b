package registry_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/registry"
)

const ecrRegistry = "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"

func TestECR(t *testing.T) {
	keys := registry.Proof{Method: regpass.APIKey, From: "AWS_ACCESS_KEY_ID", Kind: regpass.S3, Username: "AKIAEXAMPLE",
		Secret: regpass.NewSecret("a-secret-access-key")}
	const api = "POST https://api.ecr.eu-west-1.amazonaws.com/"
	for name, test := range map[string]struct {
		ref, vars string
		proof     registry.Proof
		asked     []string
	}{
		"identity": {ecrRegistry, "", (&job{t: t}).proof(), []string{"POST https://sts.eu-west-1.amazonaws.com/", api}},
		"keys":     {ecrRegistry + "/acme/app", "", keys, []string{api}},
		"fips": {"https://123456789012.dkr.ecr-fips.eu-west-1.amazonaws.com", "", keys,
			[]string{"POST https://api.ecr-fips.eu-west-1.amazonaws.com/"}},
		"dual stack": {"https://123456789012.dkr-ecr.eu-west-1.on.aws", "", keys,
			[]string{"POST https://ecr.eu-west-1.api.aws/"}},
		"variables": {ecrRegistry, "AWS_USE_FIPS_ENDPOINT=TRUE AWS_USE_DUALSTACK_ENDPOINT=true", (&job{t: t}).proof(),
			[]string{"POST https://sts-fips.eu-west-1.api.aws/", "POST https://ecr-fips.eu-west-1.api.aws/"}},
		"URLs of the user": {ecrRegistry, "AWS_ENDPOINT_URL_ECR=https://ecr.corp AWS_ENDPOINT_URL=http://127.0.0.1:1",
			(&job{t: t}).proof(), []string{"POST http://127.0.0.1:1/", "POST https://ecr.corp/"}},
		"URLs ignored": {ecrRegistry, "AWS_ENDPOINT_URL_ECR=https://ecr.corp AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true",
			keys, []string{api}},
		"public": {"https://public.ecr.aws/acme", "AWS_REGION=eu-west-1", (&job{t: t}).proof(),
			[]string{"POST https://sts.us-east-1.amazonaws.com/", "POST https://api.ecr-public.us-east-1.amazonaws.com/"}},
		"public, dual stack": {"https://ecr-public.aws.com", "", keys,
			[]string{"POST https://ecr-public.us-east-1.api.aws/"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewAWS(now)
			server.Keys["AKIAEXAMPLE"] = fake.AWSKey{Secret: "a-secret-access-key"}
			w := newFixture(server)
			w.vars["AWS_ROLE_ARN"] = server.Role
			for _, v := range strings.Fields(test.vars) {
				name, value, _ := strings.Cut(v, "=")
				w.vars[name] = value
			}
			r := ref(t, test.ref)
			cred, err := w.exchange(t.Context(), r, test.proof)
			if err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if cred.Registry != "ecr" || cred.Kind != regpass.Basic || cred.Username != "AWS" || cred.Host != r.Host ||
				!strings.HasPrefix(cred.Secret.Reveal(), "eyJwYXlsb2FkIjoi") {
				t.Errorf("got %+v", cred)
			}
			if !cred.Expires.Equal(now().Add(12*time.Hour)) || !cred.RenewAt.Equal(now().Add(6*time.Hour)) {
				t.Errorf("ends at %s, renewed at %s", cred.Expires, cred.RenewAt)
			}
			if !slices.Contains(w.masked, cred.Secret.Reveal()) {
				t.Error("the password is not masked")
			}
			if !slices.Equal(w.asked, test.asked) || len(server.Wrong()) > 0 {
				t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
			}
		})
	}
}

// TestAWSHosts fails if a host is taken for AWS's whose API would be asked for at somebody else's server.
func TestAWSHosts(t *testing.T) {
	env := testenv.New(t, nil)
	for host, want := range map[string]string{
		"123456789012.dkr.ecr.us-gov-west-1.amazonaws.com":            "ecr",
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn":            "ecr",
		"123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn": "ecr",
		"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu":            "ecr",
		"123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov":           "ecr",
		"public.ecr.aws": "ecr",
		"acme-1-123456789012.d.codeartifact.cn-north-1.amazonaws.com.cn":   "codeartifact",
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com":                    "", // the suffix of another partition
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn":                  "",
		"123456789012.dkr-ecr.eu-west-1.amazonaws.com":                     "",
		"123456789012.dkr.ecr.s3-eu-west-1.amazonaws.com":                  "", // its STS would be the bucket sts
		"123456789012.dkr.ecr.s3.amazonaws.com":                            "",
		"acme-123456789012.d.codeartifact.s3-eu-west-1.amazonaws.com":      "",
		"acme-123456789012.d.codeartifact.s3.amazonaws.com":                "",
		"acme-123456789012.d.codeartifact.eu-west-1.amazonaws.com.cn":      "",
		"acme-123456789012.d.codeartifact.eu-west-1.amazonaws.com.evil.io": "",
		"acme-123456789012.d.codeartifact.eu-west-1.amazonaws.com:8443":    "",
		"12345678901.dkr.ecr.eu-west-1.amazonaws.com":                      "",
		"a.123456789012.dkr.ecr.eu-west-1.amazonaws.com":                   "",
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.io":             "",
		"123456789012xdkr.ecr.eu-west-1.amazonaws.com":                     "",
		"123456789012.dkr.ecr.eu-west-1.on.aws":                            "",
		"public.ecr.aws.evil.io":                                           "",
		"public.ecr.aws:8443":                                              "",
		"evil.public.ecr.aws":                                              "",
	} {
		row, err := registry.Find(env, ref(t, "https://"+host+"/pypi/main/simple/"))
		if want == "" {
			want = registry.Static
		}
		if err != nil || row.Name != want {
			t.Errorf("%s: %s, %v; want %s", host, row.Name, err, want)
		}
	}
}

func TestAWSRoles(t *testing.T) {
	for role, says := range map[string]string{
		"arn:aws:iam::210987654321:role/ci":            "", // of another account
		"arn:aws:iam::123456789012:role/team/a!b/ci@x": "",
		"":                                   "",
		"ci":                                 "no ARN of a role",
		"arn:aws:iam::123456789012:user/ci":  "no ARN of a role",
		"arn:aws:iam::12345678901:role/ci":   "no ARN of a role",
		"arn:aws:iam::123456789012:role/":    "no ARN of a role",
		"arn:aws:iam::123456789012:role/ci/": "no ARN of a role",
		"arn:aws:iam::123456789012:role/ci\n::add-mask::x":                    "no ARN of a role",
		"arn:aws:iam::123456789012:role/$(id)":                                "no ARN of a role",
		"arn:aws:iam::123456789012:role/" + strings.Repeat("a", 65):           "no ARN of a role",
		"arn:aws:iam::123456789012:role/" + strings.Repeat("a/", 2000) + "ci": "no ARN of a role",
		"arn:aws-cn:iam::123456789012:role/ci":                                "is in the partition aws-cn,",
	} {
		for _, r := range []string{codeArtifactIndex, ecrRegistry} {
			_, err := registry.Open(testenv.New(t, map[string]string{"AWS_ROLE_ARN": role}), ref(t, r))
			if says == "" && err != nil {
				t.Errorf("%s: %v", role, said(err))
			}
			if says != "" {
				mustSay(t, err, says)
				mustHide(t, err)
			}
		}
	}
}

func TestECRRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		ref, forbid string
		answer      http.HandlerFunc
		says        []string
	}{
		"permission": {ecrRegistry, "ecr:GetAuthorizationToken", nil, []string{"ecr: get a password: POST",
			"not authorized to perform: ecr:GetAuthorizationToken", "lack this action", "`regpass trust https://1234"}},
		"bearer token": {"https://public.ecr.aws", "sts:GetServiceBearerToken", nil,
			[]string{"the role's permissions lack sts:GetServiceBearerToken"}},
		"clock": {ecrRegistry, "", text(400, `{"__type":"InvalidSignatureException","message":"Signature expired: `+
			`20170416T194251Z is now earlier than 20170417T123951Z (20170417T125451Z - 15 min.)"}`),
			[]string{"InvalidSignatureException", "set this machine's clock"}},
		"keys": {ecrRegistry, "", text(400, `{"__type":"UnrecognizedClientException","message":"The security token `+
			`included in the request is invalid."}`), []string{"have expired or been deleted"}},
		"no password": {ecrRegistry, "", text(200, `{"authorizationData":[]}`), []string{"not one authorizationData"}},
		"two":         {ecrRegistry, "", text(200, `{"authorizationData":[{},{}]}`), []string{"not one authorizationData"}},
		"the other's": {"https://public.ecr.aws", "", text(200, `{"authorizationData":[{}]}`),
			[]string{"not one authorizationData"}},
		"another user": {ecrRegistry, "", ecrAnswer("evil:a-password-of-somebody", "1"), []string{"no user AWS"}},
		"no base64": {ecrRegistry, "", text(200, `{"authorizationData":[{"authorizationToken":"AWS:a-password"}]}`),
			[]string{"no user AWS"}},
		"a line": {ecrRegistry, "", ecrAnswer("AWS:a-password\nmachine evil", "1"), []string{"0x0a"}},
		"short":  {ecrRegistry, "", ecrAnswer("AWS:short", "1"), []string{"fewer than 16 bytes"}},
		"past":   {ecrRegistry, "", ecrAnswer("AWS:a-password-of-somebody", "1"), []string{"the credential ended at 1970"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewAWS(now)
			server.Forbid = test.forbid
			if test.answer != nil {
				server.Instead(nil, test.answer)
			}
			w, j := newFixture(server), &job{t: t}
			w.vars["AWS_ROLE_ARN"] = server.Role
			server.Region = map[bool]string{true: "us-east-1", false: "eu-west-1"}[strings.Contains(test.ref, "public")]
			_, err := w.exchange(t.Context(), ref(t, test.ref), j.proof())
			mustSay(t, err, test.says...)
			mustHide(t, err, append(j.tokens, "a-password")...)
		})
	}
}

// ecrAnswer is an answer with that user, password and end.
func ecrAnswer(login, end string) http.HandlerFunc {
	return text(200, fmt.Sprintf(`{"authorizationData":[{"authorizationToken":%q,"expiresAt":%s}]}`,
		base64.StdEncoding.EncodeToString([]byte(login)), end))
}

// TestAWSEnds fails if an end that cannot be right is believed, or makes a credential that is kept for ever.
func TestAWSEnds(t *testing.T) {
	for _, end := range []string{`"tomorrow"`, `"Inf"`, `"NaN"`, "1e300", "-1", "0", "null", "{}", `""`, "[1]", "1e18"} {
		for r, life := range map[string]time.Duration{ecrRegistry: 12 * time.Hour, codeArtifactIndex: time.Hour} {
			server := fake.NewAWS(now)
			answer := ecrAnswer("AWS:a-password-of-somebody", end)
			if r == codeArtifactIndex {
				answer = text(200, `{"authorizationToken":"a-token-of-somebody","expiration":`+end+`}`)
			}
			server.Instead(nil, answer)
			w := newFixture(server)
			w.vars["AWS_ROLE_ARN"] = server.Role
			cred, err := w.exchange(t.Context(), ref(t, r), (&job{t: t}).proof())
			if err != nil || !cred.Expires.Equal(now().Add(life)) {
				t.Errorf("%s: %s, %v", end, cred.Expires, err)
			}
		}
	}
}

// TestAWSHostileXML fails if STS's answer costs more than it should, or is taken for more than it is.
func TestAWSHostileXML(t *testing.T) {
	const keys = `<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>` +
		`<SessionToken>%s</SessionToken></Credentials>`
	wrap := func(s string) string {
		return `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>` + s +
			`</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`
	}
	const long = "a-long-secret-of-somebody"
	bomb := `<!DOCTYPE a [<!ENTITY a "` + long + `"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`
	for name, answer := range map[string]string{
		"a bomb":          bomb + wrap(fmt.Sprintf(keys, "&b;", "&b;")),
		"a file":          `<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>` + wrap(fmt.Sprintf(keys, "&a;", "&a;")),
		"10 MB":           wrap(strings.Repeat("<a/>", 10<<18)),
		"nested":          strings.Repeat("<a>", 300_000),
		"nested, inside":  wrap(strings.Repeat("<a>", 20_000) + strings.Repeat("</a>", 20_000)),
		"no session":      wrap(fmt.Sprintf(keys, long, "")),
		"a short secret":  wrap(fmt.Sprintf(keys, "short", long)),
		"a line":          wrap(fmt.Sprintf(keys, long+"&#10;::x::", long)),
		"a command":       wrap(fmt.Sprintf(keys, "::add-mask::aaaaaaaaaaaaaa", long)),
		"another answer":  `<GetCallerIdentityResponse/>`,
		"another charset": `<?xml version="1.0" encoding="utf-7"?>` + wrap(fmt.Sprintf(keys, long, long)),
		"cut":             wrap(fmt.Sprintf(keys, long, long))[:200],
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewAWS(now)
			server.Instead(text(200, answer))
			w, j := newFixture(server), &job{t: t}
			w.vars["AWS_ROLE_ARN"] = server.Role
			_, err := w.exchange(t.Context(), ref(t, ecrRegistry), j.proof())
			mustSay(t, err, "ecr: assume the role")
			mustHide(t, err, append(j.tokens, long)...)
			if len(w.asked) != 1 {
				t.Errorf("asked %q", w.asked)
			}
		})
	}
}

// TestAWSScope fails if a credential for one account's registry is kept for another's: both are behind one STS.
func TestAWSScope(t *testing.T) {
	for _, m := range []regpass.Method{regpass.OIDC, regpass.Cloud, regpass.APIKey} {
		seen := map[string]bool{}
		for _, r := range []string{ecrRegistry, "https://210987654321.dkr.ecr.eu-west-1.amazonaws.com",
			ecrRegistry + " role=arn:aws:iam::123456789012:role/other"} {
			target, err := registry.Open(testenv.New(t, nil), ref(t, r))
			if err != nil || seen[target.ScopeFor(m)] {
				t.Errorf("%s: scope %q, %v", r, target.ScopeFor(m), err)
			}
			seen[target.ScopeFor(m)] = true
		}
	}
}

func ecrWays(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	j := &job{t: t}
	role := way{name: "ecr's role", ref: ecrRegistry, run: by(j.proof()),
		server: func() http.Handler { return fake.NewAWS(now) },
		vars:   map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/ci"},
		sent:   func() []string { return j.tokens }}
	password := role
	password.name, password.before = "ecr's password", 1
	password.broken = []string{`{"authorizationData":[{"authorizationToken":%s}]}`}
	password.end = `{"authorizationData":[{"authorizationToken":"QVdTOjAxMjM0NTY3ODlhYmNkZWY=","expiresAt":%s}]}`
	return []way{role, password}
}

func TestTrustECR(t *testing.T) {
	job := registry.Job{Issuer: "https://token.actions.githubusercontent.com", Audience: "sts.amazonaws.com",
		Claims: []registry.Claim{{Name: "sub", Value: "repo:acme/app:ref:refs/heads/main"}}}
	for r, want := range map[string][]string{
		ecrRegistry: {`"ecr:GetAuthorizationToken"],"Resource":"*"`,
			`"ecr:GetDownloadUrlForLayer"],"Resource":"arn:aws:ecr:eu-west-1:123456789012:repository/*"`,
			`arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com`, `role-name 'regpass-ci'`},
		"https://123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn": {
			`arn:aws-cn:ecr:cn-north-1:123456789012:repository/*`, `arn:aws-cn:iam::123456789012:oidc-provider/`},
		"https://public.ecr.aws": {`"ecr-public:GetAuthorizationToken","sts:GetServiceBearerToken"],"Resource":"*"`,
			`arn:aws:iam::<account>:oidc-provider/`},
		"https://public.ecr.aws role=arn:aws:iam::210987654321:role/team/ci": {`role-name 'ci'`,
			`arn:aws:iam::210987654321:oidc-provider/`},
	} {
		env := testenv.New(t, nil)
		target, err := registry.Open(env, ref(t, r))
		if err != nil {
			t.Fatal(said(err))
		}
		trust, err := target.Row.Trust(env, target, job)
		if err != nil {
			t.Fatal(said(err))
		}
		for _, text := range append(want, `"token.actions.githubusercontent.com:sub":"repo:acme/app:ref:refs/heads/main"`,
			`"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"`) {
			if !strings.Contains(trust.Shell, text) {
				t.Errorf("%s: no %s in %s", r, text, trust.Shell)
			}
		}
	}
}

// TestTrustAWSVariables fails if IAM would read a claim of whoever names a branch as a variable.
func TestTrustAWSVariables(t *testing.T) {
	for subject, want := range map[string]string{
		"repo:acme/app:ref:refs/heads/${aws:username}": "repo:acme/app:ref:refs/heads/${$}{aws:username}",
		"repo:acme/app:ref:refs/heads/a${${x}}$":       "repo:acme/app:ref:refs/heads/a${$}{${$}{x}}$",
		"repo:acme/app:ref:refs/heads/$x{y}*?":         "repo:acme/app:ref:refs/heads/$x{y}*?", // letters to StringEquals
	} {
		env := testenv.New(t, nil)
		target, err := registry.Open(env, ref(t, ecrRegistry))
		if err != nil {
			t.Fatal(said(err))
		}
		trust, err := target.Row.Trust(env, target, registry.Job{Issuer: "https://token.actions.githubusercontent.com",
			Audience: "${aws:PrincipalTag/x}", Claims: []registry.Claim{{Name: "sub", Value: subject}}})
		if err != nil {
			t.Fatal(said(err))
		}
		document, err := json.Marshal(trust.Documents[0].Body)
		if err != nil {
			t.Fatal(err)
		}
		var policy struct {
			Statement []struct{ Condition map[string]map[string]string }
		}
		if err := json.Unmarshal(document, &policy); err != nil {
			t.Fatal(err)
		}
		equals := policy.Statement[0].Condition["StringEquals"]
		if got := equals["token.actions.githubusercontent.com:sub"]; got != want {
			t.Errorf("sub is %s, not %s", got, want)
		}
		if got := equals["token.actions.githubusercontent.com:aud"]; got != "${$}{aws:PrincipalTag/x}" {
			t.Errorf("aud is %s", got)
		}
		if len(policy.Statement[0].Condition) != 1 {
			t.Errorf("%v", policy.Statement[0].Condition)
		}
	}
}
