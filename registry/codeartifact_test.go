package registry_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

const codeArtifactIndex = "https://acme-123456789012.d.codeartifact.eu-west-1.amazonaws.com/pypi/main/simple/"

func TestCodeArtifact(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/ci"
	keys := registry.Proof{Method: regpass.APIKey, From: "AWS_ACCESS_KEY_ID", Kind: regpass.S3, Username: "AKIAEXAMPLE",
		Secret: regpass.NewSecret("a-secret-access-key")}
	for name, test := range map[string]struct {
		ref   string
		proof registry.Proof
		asked []string
	}{
		"identity": {codeArtifactIndex, (&job{t: t}).proof(), []string{"POST https://sts.eu-west-1.amazonaws.com/",
			"POST https://codeartifact.eu-west-1.amazonaws.com/v1/authorization-token" +
				"?domain=acme&domain-owner=123456789012&duration=3600"}},
		"duration": {codeArtifactIndex + " duration=900", keys, []string{
			"POST https://codeartifact.eu-west-1.amazonaws.com/v1/authorization-token" +
				"?domain=acme&domain-owner=123456789012&duration=900"}},
		"ready": {codeArtifactIndex, key(regpass.ReadyToken, "CODEARTIFACT_AUTH_TOKEN", "eyJ2ZXIiOjEsImlzdSI6...."), nil},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewAWS(now)
			server.Keys["AKIAEXAMPLE"] = fake.AWSKey{Secret: "a-secret-access-key"}
			w := newFixture(server)
			w.vars["AWS_ROLE_ARN"] = role
			cred, err := w.exchange(t.Context(), ref(t, test.ref), test.proof)
			if err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if cred.Registry != "codeartifact" || cred.Kind != regpass.Bearer || cred.Username != "aws" ||
				cred.Host != "acme-123456789012.d.codeartifact.eu-west-1.amazonaws.com" {
				t.Errorf("got %+v", cred)
			}
			if want := now().Add(time.Hour); test.proof.Method != regpass.ReadyToken && !cred.Expires.Equal(want) {
				t.Errorf("ends at %s, not %s", cred.Expires, want)
			}
			if !slices.Equal(w.asked, test.asked) || len(server.Wrong()) > 0 {
				t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
			}
		})
	}
}

func TestCodeArtifactRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*fake.AWS)
		says   []string
	}{
		"subject": {func(a *fake.AWS) { a.Subject = "repo:acme/other:ref:refs/heads/main" },
			[]string{"codeartifact: assume the role: POST", "403", "the role's trust policy does not match these claims",
				`sub="repo:acme/app:ref:refs/heads/main"`, "`regpass trust https://acme-123456789012.d.codeartifact"}},
		"audience": {func(a *fake.AWS) { a.Audience = "other" },
			[]string{"the IAM OIDC provider does not list the audience"}},
		"domain": {func(a *fake.AWS) { a.Domain = "other" }, []string{"codeartifact: get a token: POST",
			"codeartifact:GetAuthorizationToken", "the role's permissions lack this action"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewAWS(now)
			test.change(server)
			w := newFixture(server)
			w.vars["AWS_ROLE_ARN"] = server.Role
			j := &job{t: t}
			_, err := w.exchange(t.Context(), ref(t, codeArtifactIndex), j.proof())
			mustSay(t, err, test.says...)
			mustHide(t, err, j.tokens...)
		})
	}
}

// TestAWSTriesAgain fails if a throttled request, which is a 400, ends the exchange.
func TestAWSTriesAgain(t *testing.T) {
	server := fake.NewAWS(now)
	busy := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>` +
			`<Message>Rate exceeded</Message></Error></ErrorResponse>`))
	}
	server.Instead(busy, nil, text(429, `{"message":"slow down"}`))
	w := newFixture(server)
	w.vars["AWS_ROLE_ARN"] = server.Role
	j := &job{t: t}
	if _, err := w.exchange(t.Context(), ref(t, codeArtifactIndex), j.proof()); err != nil {
		t.Fatal(said(err))
	}
	if len(j.tokens) != 2 || len(w.asked) != 4 {
		t.Errorf("%d identities, asked %q", len(j.tokens), w.asked)
	}
}

func TestAWSMachineKeys(t *testing.T) {
	const keys = `{"AccessKeyId":"ASIAMACHINE","SecretAccessKey":"a-secret-access-key","Token":"a-session-token-of-it"}`
	for name, test := range map[string]struct {
		vars  map[string]string
		asked []string
	}{
		"ecs": {map[string]string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/x"},
			[]string{"GET http://169.254.170.2/v2/credentials/x"}},
		"eks": {map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
			"AWS_CONTAINER_AUTHORIZATION_TOKEN": "pod-token"}, []string{"GET http://169.254.170.23/v1/credentials"}},
		"ec2": {map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://169.254.169.254"}, []string{
			"PUT http://169.254.169.254/latest/api/token",
			"GET http://169.254.169.254/latest/meta-data/iam/security-credentials/",
			"GET http://169.254.169.254/latest/meta-data/iam/security-credentials/builder"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewAWS(now)
			server.Keys["ASIAMACHINE"] = fake.AWSKey{Secret: "a-secret-access-key", Session: "a-session-token-of-it"}
			w := newFixture(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				last := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
				switch {
				case !strings.HasPrefix(r.Host, "169.254."):
					server.ServeHTTP(w, r)
				case r.Method == http.MethodPut && r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") != "":
					_, _ = w.Write([]byte("an-imds-token"))
				case strings.HasSuffix(r.URL.Path, "/") && r.Header.Get("X-Aws-Ec2-Metadata-Token") == "an-imds-token":
					_, _ = w.Write([]byte("builder\n"))
				case last == "credentials" && r.Header.Get("Authorization") != "pod-token":
					w.WriteHeader(http.StatusUnauthorized)
				default:
					_, _ = w.Write([]byte(keys))
				}
			}))
			for k, v := range test.vars {
				w.vars[k] = v
			}
			target, err := registry.Open(w.Env, ref(t, codeArtifactIndex))
			if err != nil || target.Row.Cloud(w.Env, target) == "" {
				t.Fatal("the machine's role is not found", err)
			}
			if _, err := target.Exchange(t.Context(), w.Env, registry.Proof{Method: regpass.Cloud}); err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if !slices.Equal(w.asked[:len(test.asked)], test.asked) {
				t.Errorf("asked %q", w.asked)
			}
		})
	}
}

func codeArtifactWays(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	j := &job{t: t}
	all := way{name: "codeartifact's role", ref: codeArtifactIndex, run: by(j.proof()),
		server: func() http.Handler { return fake.NewAWS(now) },
		vars:   map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/ci"},
		sent:   func() []string { return j.tokens }}
	token := all
	token.name, token.before, token.broken = "codeartifact's token", 1, []string{`{"authorizationToken":%s}`}
	token.end = `{"authorizationToken":"at-0123456789abcdef","expiration":%s}`
	return []way{all, token}
}
