package aws_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/aws"
	"github.com/regpass/regpass/internal/testenv"
)

// noon is the time at which all tests happen.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// TestSign compares with the signature of AWS's own example
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html); tools/sdk/aws compares
// with the SDK's.
func TestSign(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "https://example.amazonaws.com:443/?Param2=value2&Param1=value1", nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := aws.Keys{ID: "AKIDEXAMPLE", Secret: regpass.NewSecret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")}
	s := aws.Signer{Keys: keys, Region: "us-east-1", Service: aws.Service{Name: "service"},
		Now: time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)}
	if err := s.Sign(r, nil); err != nil {
		t.Fatal(err)
	}
	const want = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " +
		"SignedHeaders=host;x-amz-date, Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if _, there := r.Header["X-Amz-Security-Token"]; there || r.Host != "example.amazonaws.com" {
		t.Errorf("an empty session is sent, or the host is %s", r.Host)
	}
}

func TestEndpoint(t *testing.T) {
	for _, test := range []struct {
		service aws.Service
		region  string
		variant aws.Variant
		vars    string
		want    string // a URL, or a part of the error
	}{
		{aws.STS, "eu-west-1", aws.Variant{}, "", "https://sts.eu-west-1.amazonaws.com"},
		{aws.STS, "us-gov-west-1", aws.Variant{FIPS: true}, "", "https://sts.us-gov-west-1.amazonaws.com"},
		{aws.STS, "us-gov-west-1", aws.Variant{FIPS: true, Dual: true}, "", "https://sts-fips.us-gov-west-1.api.aws"},
		{aws.ECR, "cn-north-1", aws.Variant{}, "", "https://api.ecr.cn-north-1.amazonaws.com.cn"},
		{aws.ECR, "eu-isoe-west-1", aws.Variant{}, "", "https://api.ecr.eu-isoe-west-1.cloud.adc-e.uk"},
		{aws.ECR, "eu-west-1", aws.Variant{FIPS: true}, "", "https://api.ecr-fips.eu-west-1.amazonaws.com"},
		{aws.CodeArtifact, "eu-west-1", aws.Variant{}, "AWS_USE_FIPS_ENDPOINT=true",
			"https://codeartifact-fips.eu-west-1.amazonaws.com"},
		{aws.CodeArtifact, "eusc-de-east-1", aws.Variant{}, "AWS_USE_DUALSTACK_ENDPOINT=True",
			"https://codeartifact.eusc-de-east-1.api.amazonwebservices.eu"},
		{aws.CodeArtifact, "eu-west-1", aws.Variant{}, "AWS_USE_FIPS_ENDPOINT=false AWS_USE_DUALSTACK_ENDPOINT=1",
			"https://codeartifact.eu-west-1.amazonaws.com"},
		{aws.ECRPublic, "us-east-1", aws.Variant{}, "AWS_ENDPOINT_URL_ECR=https://a.corp",
			"https://api.ecr-public.us-east-1.amazonaws.com"},
		{aws.ECRPublic, "us-east-1", aws.Variant{},
			"AWS_ENDPOINT_URL=https://a.corp AWS_ENDPOINT_URL_ECR_PUBLIC=https://b.corp", "https://b.corp"},
		{aws.ECR, "eu-west-1", aws.Variant{}, "AWS_ENDPOINT_URL=http://localhost:4566", "http://localhost:4566"},
		{aws.ECR, "eu-west-1", aws.Variant{}, "AWS_ENDPOINT_URL=http://localstack:4566", "AWS_ENDPOINT_URL: "},
		{aws.ECR, "eu-west-1", aws.Variant{}, "AWS_ENDPOINT_URL=http://169.254.169.254", "neither https nor on this machine"},
		{aws.ECR, "eu-west-1", aws.Variant{}, "AWS_ENDPOINT_URL_ECR=https://a:b@a.corp", "user name or password"},
		{aws.ECR, "eu-west-1", aws.Variant{}, "AWS_ENDPOINT_URL_ECR=ecr.corp", "AWS_ENDPOINT_URL_ECR: "},
		{aws.ECR, "eu-west-1", aws.Variant{}, "AWS_ENDPOINT_URL_ECR=https://a.corp AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true",
			"https://api.ecr.eu-west-1.amazonaws.com"},
	} {
		got, err := test.service.Endpoint(testenv.New(t, variables(test.vars)), test.region, test.variant)
		text := ""
		if err != nil {
			text = err.Error()
		} else {
			text = got.String()
		}
		if text != test.want && (err == nil || !strings.Contains(text, test.want)) {
			t.Errorf("%s in %s with %q: %s, want %s", test.service.Name, test.region, test.vars, text, test.want)
		}
	}
}

// variables reads NAME=value NAME=value.
func variables(text string) map[string]string {
	vars := map[string]string{}
	for _, word := range strings.Fields(text) {
		name, value, _ := strings.Cut(word, "=")
		vars[name] = value
	}
	return vars
}

func TestRegionHere(t *testing.T) {
	for _, test := range []struct{ vars, want string }{
		{"", ""},
		{"AWS_DEFAULT_REGION=eu-west-1", "eu-west-1"},
		{"AWS_DEFAULT_REGION=eu-west-1 AWS_REGION=us-iso-east-1", "us-iso-east-1"},
		{"AWS_REGION=eu-west-1.evil.example", "no region"},
		{"AWS_REGION=s3-eu-west-1", "no region"},
		{"AWS_REGION=eu-west-1/x", "no region"},
		{"AWS_REGION=global", "no region"},
	} {
		got, err := aws.RegionHere(testenv.New(t, variables(test.vars)))
		if got != test.want && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %q, %v", test.vars, got, err)
		}
	}
}

const (
	keys    = `{"AccessKeyId":"ASIAMACHINE","SecretAccessKey":"a-secret-access-key","Token":"a-session-token-of-it"}`
	pass    = "a-pass-of-the-agent"
	session = "a-session-token-of-it"
)

// network answers every host with one handler, and remembers what was asked.
type network struct {
	handler http.HandlerFunc
	asked   []string
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.asked = append(n.asked, r.Method+" "+r.URL.String())
	rec := httptest.NewRecorder()
	n.handler(rec, r)
	return rec.Result(), r.Context().Err()
}

// machine has the variables and a network with the handler.
func machine(t *testing.T, vars map[string]string, handler http.HandlerFunc) (*regpass.Env, *network) {
	t.Helper()
	n := &network{handler: handler}
	env := testenv.New(t, vars)
	env.HTTP = &http.Client{Transport: n}
	env.Now = func() time.Time { return noon }
	env.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return env, n
}

func answer(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// TestContainerPlaces fails if the agent's token, or the place of one, may be asked for at a stranger's server.
func TestContainerPlaces(t *testing.T) {
	for _, test := range []struct{ name, at, refused string }{
		{"FULL", "http://169.254.170.23/v1/credentials", ""},
		{"FULL", "http://[fd00:ec2::23]/v1/credentials", ""},
		{"FULL", "http://localhost:1338/latest", ""},
		{"FULL", "http://127.0.0.1:1338/latest", ""},
		{"FULL", "https://keys.corp/latest", ""},
		{"FULL", "http://keys.corp/latest", "neither https nor on this machine"},
		{"FULL", "http://10.0.0.1/latest", "neither https nor on this machine"},
		{"FULL", "http://169.254.170.2.evil.example/", "neither https nor on this machine"},
		{"FULL", "http://127.0.0.1.evil.example/", "neither https nor on this machine"},
		{"FULL", "http://169.254.170.2@evil.example/", "user name or password"},
		{"FULL", "http://evil@169.254.170.2/", "user name or password"},
		{"FULL", "file:///etc/passwd", "names no host"},
		{"FULL", "/v2/credentials", "names no host"},
		{"FULL", "://", "is not a URL"},
		{"RELATIVE", "/v2/credentials/x", ""},
		{"RELATIVE", ".evil.example/", "is no path"},
		{"RELATIVE", "@evil.example/", "is no path"},
		{"RELATIVE", ":80@evil.example/", "is no path"},
		{"RELATIVE", "//evil.example/", ""}, // a path on the agent
	} {
		env, n := machine(t, map[string]string{"AWS_CONTAINER_CREDENTIALS_" + test.name + "_URI": test.at,
			"AWS_CONTAINER_AUTHORIZATION_TOKEN": pass}, answer(keys))
		_, err := aws.MachineKeys(t.Context(), env)
		switch {
		case test.refused == "" && err != nil:
			t.Errorf("%s: %v", test.at, err)
		case test.refused == "" && test.name == "RELATIVE" && !strings.HasPrefix(n.asked[0], "GET http://169.254.170.2/"):
			t.Errorf("%s: asked %q", test.at, n.asked)
		case test.refused != "":
			testenv.WantError(t, err, pass, test.refused)
			if len(n.asked) > 0 {
				t.Errorf("%s: asked %q", test.at, n.asked)
			}
		}
	}
}

// TestContainerPass fails if a token's file is not read anew each time, or a token with a scheme is refused.
func TestContainerPass(t *testing.T) {
	m := testenv.NewMachine(t)
	file := m.File("token", pass+"-1\n")
	for _, test := range []struct{ vars, content, sent, refused string }{
		{"TOKEN=" + pass, "", pass, ""},
		{"TOKEN=Basic\x00abcd", "", "Basic abcd", ""},
		{"TOKEN=", "", "", ""},
		{"TOKEN=a\nb", "", "", "0x0a"},
		{"TOKEN=a\x00b\x00c", "", "", "0x20"},
		{"TOKEN_FILE=" + file, pass + "-1\n", pass + "-1", ""},
		{"TOKEN_FILE=" + file, pass + "-2", pass + "-2", ""},
		{"TOKEN_FILE=" + file + "|TOKEN=other", pass + "-3", pass + "-3", ""},
		{"TOKEN_FILE=" + file, "", "", "the token is empty"},
		{"TOKEN_FILE=" + file, strings.Repeat("a", regpass.MaxToken+1), "", "longer than"},
		{"TOKEN_FILE=/nowhere/token", "", "", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"},
		{"TOKEN_FILE=/", "", "", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"},
	} {
		vars := map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials"}
		for _, word := range strings.Split(test.vars, "|") {
			name, value, _ := strings.Cut(word, "=")
			vars["AWS_CONTAINER_AUTHORIZATION_"+name] = strings.ReplaceAll(value, "\x00", " ")
		}
		testenv.Write(t, file, test.content)
		sent := ""
		env, n := machine(t, vars, func(w http.ResponseWriter, r *http.Request) {
			sent = r.Header.Get("Authorization")
			_, _ = io.WriteString(w, keys)
		})
		_, err := aws.MachineKeys(t.Context(), env)
		switch {
		case test.refused == "" && (err != nil || sent != test.sent):
			t.Errorf("%q: sent %q, %v", test.vars, sent, err)
		case test.refused != "":
			testenv.WantError(t, err, pass, test.refused)
			if len(n.asked) > 0 {
				t.Errorf("%q: asked %q", test.vars, n.asked)
			}
		}
	}
}

// TestHostileMachine fails if a metadata server's answer leads elsewhere, shows a secret or is taken for keys.
func TestHostileMachine(t *testing.T) {
	away := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://evil.example/steal", http.StatusTemporaryRedirect)
	}
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "no: "+r.Header.Get("Authorization")+r.Header.Get("X-Aws-Ec2-Metadata-Token")+
			strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "))
	}
	container := map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic " + pass}
	instance := map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://169.254.169.254"}
	for name, test := range map[string]struct {
		vars    map[string]string
		right   []string // answers before the one that is tried
		handler http.HandlerFunc
		says    string
	}{
		"container redirects": {container, nil, away, "a redirect, which is not followed"},
		"token redirects":     {instance, nil, away, "a redirect, which is not followed"},
		"role redirects":      {instance, []string{pass}, away, "a redirect, which is not followed"},
		"keys redirect":       {instance, []string{pass, "builder"}, away, "a redirect, which is not followed"},
		"container echoes":    {container, nil, echo, "403"},
		"role echoes":         {instance, []string{pass}, echo, "403"},
		"role climbs":         {instance, []string{pass}, answer("../../user-data"), "names no role"},
		"role is two dots":    {instance, []string{pass}, answer(".."), "names no role"},
		"role has a query":    {instance, []string{pass}, answer("a?b"), "names no role"},
		"role is empty":       {instance, []string{pass}, answer("\n"), "names no role"},
		"role is a page":      {instance, []string{pass}, answer("<html>"), "names no role"},
		"token is two lines":  {instance, nil, answer("a\nb"), "0x0a"},
		"token is empty":      {instance, nil, answer(""), "the token is empty"},
		"no keys":             {container, nil, answer(`{}`), "the token is empty"},
		"failed":              {instance, []string{pass, "builder"}, answer(`{"Code":"Failed"}`), "the token is empty"},
		"no session":          {container, nil, answer(strings.Replace(keys, session, "", 1)), "the token is empty"},
		"short":               {container, nil, answer(strings.Replace(keys, session, "s", 1)), "fewer than 16"},
		"lines":               {container, nil, answer(strings.Replace(keys, session, session+`\n::x::`, 1)), "0x0a"},
		"a command":           {container, nil, answer(strings.Replace(keys, session, "::add-mask::"+session, 1)), "command"},
		"10 MB":               {container, nil, answer(strings.Repeat(" ", 10<<20)), "longer than"},
		"nested":              {container, nil, answer(strings.Repeat("[", 1<<19)), "not the expected JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			right := slices.Clone(test.right)
			env, n := machine(t, test.vars, func(w http.ResponseWriter, r *http.Request) {
				if len(right) == 0 {
					test.handler(w, r)
					return
				}
				_, _ = io.WriteString(w, right[0])
				right = right[1:]
			})
			_, err := aws.MachineKeys(t.Context(), env)
			testenv.WantError(t, err, pass, "AWS: ask for the ", test.says)
			testenv.WantError(t, err, session)
			if len(n.asked) != len(test.right)+1 || strings.Contains(strings.Join(n.asked, ""), "evil") {
				t.Errorf("asked %q", n.asked)
			}
		})
	}
}

func TestInstanceAtIPv6(t *testing.T) {
	env, n := machine(t, variables("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6"), answer("a-token-of-the-instance"))
	_, err := aws.MachineKeys(t.Context(), env)
	if err == nil || n.asked[0] != "PUT http://[fd00:ec2::254]/latest/api/token" {
		t.Errorf("asked %q, %v", n.asked, err)
	}
	env, n = machine(t, variables("AWS_EC2_METADATA_SERVICE_ENDPOINT=http://evil.example"), answer("a"))
	if _, err = aws.MachineKeys(t.Context(), env); err == nil || len(n.asked) > 0 {
		t.Errorf("asked %q, %v", n.asked, err)
	}
}

// TestKeysHere fails if a half of the keys, or text that no header can carry, is used.
func TestKeysHere(t *testing.T) {
	for _, test := range []struct {
		id, secret, session string
		here, refused       string
	}{
		{"AKIA", "a-secret", "", "AWS_ACCESS_KEY_ID", ""},
		{"AKIA", "a-secret", session, "AWS_ACCESS_KEY_ID", ""},
		{"", "a-secret", "", "", "169.254.169.254"},
		{"AKIA", "", "", "", "169.254.169.254"},
		{"AKIA\nX: y", "a-secret", "", "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID: "},
		{"AKIA", "a-\x00secret", "", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY: "},
		{"AKIA", "a-secret", session + "\r\nX: y", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN: "},
	} {
		env, _ := machine(t, map[string]string{"AWS_ACCESS_KEY_ID": test.id, "AWS_SECRET_ACCESS_KEY": test.secret,
			"AWS_SESSION_TOKEN": test.session}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) })
		if here := aws.Here(env); here != test.here {
			t.Errorf("%q: here %q", test, here)
		}
		got, err := aws.KeysHere(t.Context(), env)
		switch {
		case test.refused != "":
			testenv.WantError(t, err, "a-secret", test.refused)
		case err != nil || got.ID != test.id || got.Secret.Reveal() != test.secret || got.Session.Reveal() != test.session:
			t.Errorf("%q: %v", test, err)
		}
	}
}

func TestTryAgain(t *testing.T) {
	refused := func(message string) error { return &regpass.HTTPError{Status: 400, Message: message} }
	for _, test := range []struct {
		err   error
		again bool
	}{
		{refused("ThrottlingException: Rate exceeded"), true},
		{refused("IDPCommunicationError: …"), true},
		{refused("InvalidIdentityToken: Couldn't retrieve verification key from your identity provider"), true},
		{refused("InvalidIdentityToken: Incorrect token audience"), false},
		{refused("AccessDenied"), false},
	} {
		env, _ := machine(t, nil, nil)
		tries := 0
		_ = env.Retry(t.Context(), func(context.Context) error {
			tries++
			return aws.TryAgain(test.err)
		})
		if again := tries > 1; again != test.again {
			t.Errorf("%v: tried %d times", test.err, tries)
		}
	}
}
