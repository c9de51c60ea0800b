package registry

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/testenv"
)

// twoHosts is a registry whose credential serves its index and its files.
type twoHosts struct{}

func (twoHosts) exchange(context.Context, *regpass.Env, Target, Proof) (regpass.Credential, error) {
	return regpass.Credential{Kind: regpass.Basic, Username: "aws", Secret: regpass.NewSecret("token")}, nil
}

func TestCredentialForSeveralHosts(t *testing.T) {
	target := Target{Row: Row{Name: "two"}, Hosts: []string{"index.test", "files.test"}, exchanger: twoHosts{}}
	cred, err := target.Exchange(t.Context(), testenv.New(t, nil), Proof{})
	if err != nil || cred.Registry != "two" || cred.Host != "index.test" {
		t.Fatalf("%+v, %v", cred, err)
	}
	var hosts []string
	for _, c := range cred.PerHost() {
		if c.Username != "aws" || c.Secret.Reveal() != "token" || c.MoreHosts != nil {
			t.Errorf("%+v", c)
		}
		hosts = append(hosts, c.Host)
	}
	if !slices.Equal(hosts, []string{"index.test", "files.test"}) {
		t.Errorf("hosts %v", hosts)
	}
}

func TestOptionValue(t *testing.T) {
	region := Option{Name: "region", Doc: "AWS region", Vars: []string{"AWS_REGION", "AWS_DEFAULT_REGION"}}
	for _, test := range []struct {
		options, vars map[string]string
		want          string
	}{
		{nil, nil, ""},
		{nil, map[string]string{"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"},
		{nil, map[string]string{"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "us-east-1"}, "us-east-1"},
		{map[string]string{"region": "ap-south-1"}, map[string]string{"AWS_REGION": "us-east-1"}, "ap-south-1"},
		{map[string]string{"region": ""}, map[string]string{"AWS_REGION": "us-east-1"}, ""},
	} {
		if got := region.value(testenv.New(t, test.vars), regpass.Ref{Options: test.options}); got != test.want {
			t.Errorf("%v %v: %q, want %q", test.options, test.vars, got, test.want)
		}
	}
}

// twoHops is a registry that exchanges an identity for keys of a cloud, in a form and an answer that is not JSON, and
// the keys, which sign, for a token.
type twoHops struct{ sts, tokens *url.URL }

func (h twoHops) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	var key regpass.Secret
	err := p.withIdentity(ctx, env, t.Row.Name, t.Audience, func(ctx context.Context, id regpass.Identity) error {
		answer, err := env.Do(ctx, regpass.Request{Op: "two: assume the role", Method: http.MethodPost, URL: h.sts,
			Form: map[string]any{"Action": "AssumeRole", "WebIdentityToken": id.Token}})
		key = regpass.NewSecret(strings.TrimSuffix(strings.TrimPrefix(string(answer), "<Key>"), "</Key>"))
		return err
	})
	if err != nil {
		return regpass.Credential{}, err
	}
	var got struct{ Token string }
	err = env.DoJSON(ctx, regpass.Request{Op: "two: get a token", Method: http.MethodPost, URL: h.tokens,
		Sign: keySigner{key}, Scrub: []regpass.Secret{key}}, &got)
	return regpass.Credential{Kind: regpass.Basic, Username: "aws", Secret: regpass.NewSecret(got.Token)}, err
}

// keySigner signs with a key as it is, which a server can echo.
type keySigner struct{ key regpass.Secret }

func (k keySigner) Sign(r *http.Request, _ []byte) error {
	r.Header.Set("Authorization", "TOY "+k.key.Reveal())
	return nil
}

// toyJob makes identities for the audience that it is asked for.
type toyJob struct{}

func (toyJob) Identity(_ context.Context, audience string) (regpass.Identity, error) {
	claims := regpass.Claims{Audience: []string{audience}}
	return regpass.Identity{Token: regpass.NewSecret("id-token"), Claims: claims}, nil
}

func TestExchangeOfTwoHops(t *testing.T) {
	failing := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == failing:
			http.Error(w, "not you: "+r.FormValue("WebIdentityToken")+r.Header.Get("Authorization"), http.StatusForbidden)
		case r.URL.Path == "/sts" && r.FormValue("Action") == "AssumeRole" && r.FormValue("WebIdentityToken") == "id-token":
			_, _ = io.WriteString(w, "<Key>cloud-key</Key>")
		case r.URL.Path == "/token" && r.Header.Get("Authorization") == "TOY cloud-key":
			_, _ = io.WriteString(w, `{"token":"registry-token"}`)
		}
	}))
	defer server.Close()
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	env := testenv.New(t, nil)
	env.HTTP, env.Now = server.Client(), time.Now
	target := Target{Row: Row{Name: "two"}, Hosts: []string{"two.test"}, Audience: "sts.two.test",
		exchanger: twoHops{at.JoinPath("/sts"), at.JoinPath("/token")}}
	proof := Proof{Method: regpass.OIDC, From: "a job", Identities: toyJob{}}

	cred, err := target.Exchange(t.Context(), env, proof)
	if err != nil || cred.Username != "aws" || cred.Secret.Reveal() != "registry-token" || cred.Host != "two.test" {
		t.Errorf("%+v, %v", cred, err)
	}
	for path, op := range map[string]string{"/sts": "two: assume the role: POST", "/token": "two: get a token: POST"} {
		failing = path
		_, err := target.Exchange(t.Context(), env, proof)
		testenv.WantError(t, err, "id-token", op, "403", "not you")
		testenv.WantError(t, err, "cloud-key")
	}
}
