// Package aws_test holds regpass against AWS's own SDK for Go: the SDK's calls must work against our fake, what we send
// must be what the SDK sends, and our signatures and hosts must be the SDK's.
package aws_test

import (
	"bytes"

	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/codeartifact"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/aws"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/registry"
)

const (
	keyID   = "AKIAEXAMPLE"
	secret  = "a-secret/access+key"
	session = "a-session/token+of=it"
	region  = "eu-west-1"
)

// sent is a request as it left.
type sent struct {
	method, host, uri string // uri: path and query
	header            http.Header
	body              string
}

// world is a fake AWS that keeps the requests.
type world struct {
	*fake.AWS
	requests []sent
	url      string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{AWS: fake.NewAWS(time.Now)} // the SDK signs with the real clock
	issuer, err := fake.NewIssuer("ES256")
	if err != nil {
		t.Fatal(err)
	}
	issuer.URL = "https://issuer.example"
	w.Issuer = issuer
	w.Keys[keyID] = fake.AWSKey{Secret: secret, Session: session}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.requests = append(w.requests, sent{r.Method, r.Host, r.RequestURI, r.Header.Clone(), string(body)})
		w.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// idToken is an ID token of a job.
func (w *world) idToken(t *testing.T) string {
	t.Helper()
	now := time.Now()
	token, err := w.Issuer.Sign(map[string]any{"sub": "repo:acme/app:ref:refs/heads/main", "aud": "sts.amazonaws.com",
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

// env are surroundings whose every request to AWS goes to the fake.
func (w *world) env(t *testing.T) *regpass.Env {
	t.Helper()
	env := testenv.New(t, map[string]string{"AWS_ENDPOINT_URL": w.url, "AWS_REGION": region, "AWS_ROLE_ARN": w.Role,
		"AWS_ACCESS_KEY_ID": keyID, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": session})
	env.HTTP, env.Now = http.DefaultClient, time.Now
	env.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return env
}

// job shows one ID token.
type job string

func (j job) Identity(_ context.Context, _ string) (regpass.Identity, error) {
	token := regpass.NewSecret(string(j))
	claims, err := regpass.DecodeJWT(token)
	return regpass.Identity{Provider: "test", Token: token, Claims: claims}, err
}

// file is stscreds' source of an ID token.
type file string

func (f file) GetIdentityToken() ([]byte, error) { return []byte(f), nil }

// exchange is what regpass does with keys, or with the ID token if it is not empty.
func (w *world) exchange(t *testing.T, text, idToken string) (regpass.Credential, error) {
	t.Helper()
	ref, err := regpass.ParseRef(text)
	if err != nil {
		t.Fatal(err)
	}
	ref.Trusted = true
	env := w.env(t)
	target, err := registry.Open(env, ref)
	if err != nil {
		t.Fatal(err)
	}
	p := registry.Proof{Method: regpass.APIKey, Kind: regpass.S3, Username: keyID, Secret: regpass.NewSecret(secret),
		SessionToken: regpass.NewSecret(session)}
	if idToken != "" {
		p = registry.Proof{Method: regpass.OIDC, Identities: job(idToken)}
	}
	return target.Exchange(t.Context(), env, p)
}

// TestSameRequests makes each call with the SDK and with regpass: both must work, and send the same.
func TestSameRequests(t *testing.T) {
	static := credentials.NewStaticCredentialsProvider(keyID, secret, session)
	for name, test := range map[string]struct {
		sdk     func(t *testing.T, w *world) error
		regpass func(t *testing.T, w *world) error
	}{
		"AssumeRoleWithWebIdentity": {
			func(t *testing.T, w *world) error {
				client := sts.New(sts.Options{Region: region, BaseEndpoint: &w.url})
				got, err := stscreds.NewWebIdentityRoleProvider(client, w.Role, file(w.idToken(t)),
					func(o *stscreds.WebIdentityRoleOptions) {
						o.RoleSessionName, o.Duration = "regpass", 15*time.Minute
					}).Retrieve(t.Context())
				if err == nil && (got.Expires.IsZero() || w.Keys[got.AccessKeyID].Secret != got.SecretAccessKey) {
					return fmt.Errorf("the SDK read other keys, until %s", got.Expires)
				}
				return err
			},
			func(t *testing.T, w *world) error {
				_, err := w.exchange(t, "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com", w.idToken(t))
				return err
			},
		},
		"GetWebIdentityToken": {
			func(t *testing.T, w *world) error {
				client := sts.New(sts.Options{Region: region, BaseEndpoint: &w.url, Credentials: static})
				got, err := client.GetWebIdentityToken(t.Context(), &sts.GetWebIdentityTokenInput{
					Audience: []string{"https://pyx.example/ a&b"}, SigningAlgorithm: awssdk.String("RS256"),
					DurationSeconds: awssdk.Int32(300)})
				if err == nil && (got.Expiration == nil || awssdk.ToString(got.WebIdentityToken) == "") {
					return fmt.Errorf("the SDK read no token")
				}
				return err
			},
			func(t *testing.T, w *world) error {
				p, err := identity.Find("aws")
				if err == nil {
					_, err = p.Get(t.Context(), w.env(t), "https://pyx.example/ a&b")
				}
				return err
			},
		},
		"CodeArtifact": {
			func(t *testing.T, w *world) error {
				client := codeartifact.New(codeartifact.Options{Region: region, BaseEndpoint: &w.url, Credentials: static})
				got, err := client.GetAuthorizationToken(t.Context(), &codeartifact.GetAuthorizationTokenInput{
					Domain: &w.Domain, DomainOwner: &w.Owner, DurationSeconds: awssdk.Int64(3600)})
				if err == nil && (awssdk.ToString(got.AuthorizationToken) == "" || got.Expiration == nil) {
					return fmt.Errorf("the SDK read no token")
				}
				return err
			},
			func(t *testing.T, w *world) error {
				_, err := w.exchange(t, "https://acme-123456789012.d.codeartifact.eu-west-1.amazonaws.com/pypi/main/", "")
				return err
			},
		},
		"ECR": {
			func(t *testing.T, w *world) error {
				client := ecr.New(ecr.Options{Region: region, BaseEndpoint: &w.url, Credentials: static})
				got, err := client.GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
				if err == nil && (len(got.AuthorizationData) != 1 || got.AuthorizationData[0].ExpiresAt == nil) {
					return fmt.Errorf("the SDK read no password")
				}
				return err
			},
			func(t *testing.T, w *world) error {
				_, err := w.exchange(t, "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com", "")
				return err
			},
		},
		"ECR Public": {
			func(t *testing.T, w *world) error {
				client := ecrpublic.New(ecrpublic.Options{Region: "us-east-1", BaseEndpoint: &w.url, Credentials: static})
				got, err := client.GetAuthorizationToken(t.Context(), &ecrpublic.GetAuthorizationTokenInput{})
				if err == nil && (got.AuthorizationData == nil || got.AuthorizationData.ExpiresAt == nil) {
					return fmt.Errorf("the SDK read no password")
				}
				return err
			},
			func(t *testing.T, w *world) error {
				_, err := w.exchange(t, "https://public.ecr.aws/acme", "")
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if err := test.sdk(t, w); err != nil {
				t.Fatalf("the SDK: %v; the fake: %q", err, w.Wrong())
			}
			theirs := len(w.requests)
			if err := test.regpass(t, w); err != nil {
				t.Fatalf("regpass: %v %q; the fake: %q", err, regpass.Hints(err), w.Wrong())
			}
			if theirs != 1 {
				t.Fatalf("the SDK sent %d requests", theirs)
			}
			for _, difference := range compare(w.requests[0], w.requests[theirs]) {
				t.Error(difference)
			}
		})
	}
}

// ownHeaders may differ: who asks, in which encodings an answer is wanted, how often the SDK tried, and what depends on
// the time. Content-Type of a request without a body says nothing.
var ownHeaders = []string{"Accept", "Accept-Encoding", "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "Authorization",
	"User-Agent", "X-Amz-Date", "X-Amz-User-Agent"}

// compare lists how our request is other than the SDK's. A form is compared field by field; its ID token, made anew for
// each, by being there.
func compare(theirs, ours sent) []string {
	var all []string
	same := func(what, a, b string) {
		if a != b {
			all = append(all, fmt.Sprintf("%s: the SDK %q, regpass %q", what, a, b))
		}
	}
	same("method", theirs.method, ours.method)
	same("host", theirs.host, ours.host)
	same("path and query", theirs.uri, ours.uri)
	names := maps.Clone(theirs.header)
	maps.Copy(names, ours.header)
	if theirs.header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		a, _ := url.ParseQuery(theirs.body)
		b, _ := url.ParseQuery(ours.body)
		for name := range maps.Keys(merge(a, b)) {
			if name == "WebIdentityToken" {
				same("number of ID tokens", fmt.Sprint(len(a[name])), fmt.Sprint(len(b[name])))
				continue
			}
			same("field "+name, strings.Join(a[name], "|"), strings.Join(b[name], "|"))
		}
		delete(names, "Content-Length") // two ID tokens may have two lengths
	} else {
		same("body", theirs.body, ours.body)
	}
	for name := range names {
		if !slices.Contains(ownHeaders, name) {
			same("header "+name, strings.Join(theirs.header[name], "|"), strings.Join(ours.header[name], "|"))
		}
	}
	// Whether there is a signature, by whom and for what; not of which moment and headers.
	signer := func(s sent) string {
		credential, _, _ := strings.Cut(s.header.Get("Authorization"), ",")
		return credential
	}
	same("signer", signer(theirs), signer(ours))
	return all
}

func merge(a, b url.Values) url.Values {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// TestSameSignatures signs requests that differ in what is canonicalized, with both.
func TestSameSignatures(t *testing.T) {
	moment := time.Date(2026, 11, 24, 23, 59, 59, 0, time.FixedZone("", 3600))
	for name, test := range map[string]struct {
		method, url, body, session string
		headers                    map[string][]string
	}{
		"plain":           {"POST", "https://sts.eu-west-1.amazonaws.com", "", session, nil},
		"a slash":         {"POST", "https://sts.eu-west-1.amazonaws.com/", "{}", session, nil},
		"empty session":   {"POST", "https://sts.eu-west-1.amazonaws.com/", "a=b", "", nil},
		"port":            {"GET", "https://localhost:4566/", "", session, nil},
		"implied port":    {"GET", "https://localhost:443/", "", session, nil},
		"implied by http": {"GET", "http://localhost:80/", "", session, nil},
		"query":           {"POST", "https://a.example/v1/t?duration=900&domain-owner=1&domain=acme", "", session, nil},
		"query to escape": {"GET", "https://a.example/?b=x+y&b=%20z&a=%2F%7E~*'()&c=ä&d&e=%3D&A=1&a-b=2&a.b=3", "",
			session, nil},
		"same names":      {"GET", "https://a.example/?a=2&a=1&a=10&a=", "", session, nil},
		"path":            {"GET", "https://a.example/a%20b/%C3%A4/c+d/e:f/(g)/~h/%2F/i=j", "", session, nil},
		"path of slashes": {"GET", "https://a.example/a//b/", "", session, nil},
		"spaces": {"POST", "https://a.example/", "{}", session, map[string][]string{"X-Amz-Meta": {"  a   b  c "},
			"Content-Type": {"text/plain;  charset=x"}}},
		"two values": {"POST", "https://a.example/", "{}", session, map[string][]string{"X-Amz-Meta": {"b", "a"}}},
		"not to sign": {"POST", "https://a.example/", "{}", session, map[string][]string{"User-Agent": {"regpass"},
			"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Service.Operation"}}},
		"bytes": {"POST", "https://a.example/", "\x00\xff\n", session, nil},
	} {
		t.Run(name, func(t *testing.T) {
			request := func() *http.Request {
				r, err := http.NewRequest(test.method, test.url, nil)
				if err != nil {
					t.Fatal(err)
				}
				for name, values := range test.headers {
					r.Header[name] = values
				}
				return r
			}
			for _, service := range []aws.Service{aws.STS, aws.CodeArtifact, aws.ECR, aws.ECRPublic} {
				ours, theirs := request(), request()
				keys := aws.Keys{ID: keyID, Secret: regpass.NewSecret(secret), Session: regpass.NewSecret(test.session)}
				signer := aws.Signer{Keys: keys, Region: region, Service: service, Now: moment}
				if err := signer.Sign(ours, []byte(test.body)); err != nil {
					t.Fatal(err)
				}
				// The SDK signs Content-Length too if the request has one, which these have not.
				err := v4.NewSigner().SignHTTP(t.Context(), awssdk.Credentials{AccessKeyID: keyID, SecretAccessKey: secret,
					SessionToken: test.session}, theirs, hash(test.body), service.Name, region, moment)
				if err != nil {
					t.Fatal(err)
				}
				if a, b := theirs.Header.Get("Authorization"), ours.Header.Get("Authorization"); a != b {
					t.Errorf("the SDK %s\nregpass %s", a, b)
				}
				if a, b := theirs.Header.Get("X-Amz-Security-Token"), ours.Header.Get("X-Amz-Security-Token"); a != b {
					t.Errorf("session: the SDK %q, regpass %q", a, b)
				}
			}
		})
	}
}

// TestSameHosts compares where each service is asked in each partition, with FIPS and dual stack.
func TestSameHosts(t *testing.T) {
	type host func(region string, fips, dual bool) (string, error)
	for _, service := range []struct {
		ours    aws.Service
		regions []string
		theirs  host
	}{
		{aws.STS, nil, func(r string, f, d bool) (string, error) {
			e, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(), sts.EndpointParameters{
				Region: &r, UseFIPS: &f, UseDualStack: &d, UseGlobalEndpoint: awssdk.Bool(false)})
			return e.URI.String(), err
		}},
		{aws.CodeArtifact, nil, func(r string, f, d bool) (string, error) {
			e, err := codeartifact.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(),
				codeartifact.EndpointParameters{Region: &r, UseFIPS: &f, UseDualStack: &d})
			return e.URI.String(), err
		}},
		{aws.ECR, nil, func(r string, f, d bool) (string, error) {
			e, err := ecr.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(),
				ecr.EndpointParameters{Region: &r, UseFIPS: &f, UseDualStack: &d})
			return e.URI.String(), err
		}},
		{aws.ECRPublic, []string{"us-east-1"}, func(r string, f, d bool) (string, error) {
			e, err := ecrpublic.NewDefaultEndpointResolverV2().ResolveEndpoint(t.Context(),
				ecrpublic.EndpointParameters{Region: &r, UseFIPS: &f, UseDualStack: &d})
			return e.URI.String(), err
		}},
	} {
		regions := service.regions
		if regions == nil {
			regions = []string{"us-east-1", "eu-west-1", "ap-southeast-7", "us-gov-west-1", "cn-north-1", "eusc-de-east-1",
				"us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1"}
		}
		for _, r := range regions {
			for _, v := range []aws.Variant{{}, {FIPS: true}, {Dual: true}, {FIPS: true, Dual: true}} {
				want, err := service.theirs(r, v.FIPS, v.Dual)
				if err != nil {
					t.Fatal(err)
				}
				got, err := service.ours.Endpoint(testenv.New(t, nil), r, v)
				if err != nil {
					t.Fatal(err)
				}
				if service.ours == aws.ECRPublic && v.FIPS && v.Dual {
					continue // AWS lists no FIPS host of ECR Public at all; the SDK would ask api.ecr-public-fips
				}
				if got.String() != want {
					t.Errorf("%s in %s, %+v: the SDK %s, regpass %s", service.ours.Name, r, v, want, got)
				}
			}
		}
	}
}

func hash(body string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(body))) }
