// Package google_test holds what regpass sends to Google against what Google's own library sends
// (golang.org/x/oauth2/google), and the fake of the tests against that library.
package google_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2/google"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/registry"
)

const (
	scope   = "https://www.googleapis.com/auth/cloud-platform"
	index   = "https://europe-west1-python.pkg.dev/acme-prod/main/simple/"
	fileVar = "GOOGLE_APPLICATION_CREDENTIALS"
)

// sent is one request, with its body taken apart.
type sent struct {
	Method, Path string
	Query        url.Values
	Header       http.Header
	Form         url.Values     // of a form; an assertion is taken apart
	JSON         map[string]any // of JSON
	Assertion    jwt.MapClaims
	JWTHeader    map[string]any
}

// cloud is a fake with a recorder before it.
type cloud struct {
	*fake.Google
	url      string
	recorded []sent
	file     string // with an identity
	subject  string
	private  string // key of the service account, in PEM
}

func newCloud(t *testing.T) *cloud {
	c := &cloud{Google: fake.NewGoogle(time.Now)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		c.recorded = append(c.recorded, takeApart(t, r, body))
		r.Body = io.NopCloser(bytes.NewReader(body))
		if r.URL.Path == "/subject" {
			_ = json.NewEncoder(w).Encode(map[string]string{"value": c.subject})
			return
		}
		c.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c.Key, c.private = &key.PublicKey, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	c.subject, err = jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "repo:acme/app",
		"aud": "https://iam.googleapis.com/" + c.Provider, "exp": time.Now().Add(time.Hour).Unix()}).
		SignedString([]byte("toy"))
	if err != nil {
		t.Fatal(err)
	}
	c.file = filepath.Join(t.TempDir(), "subject")
	testenv.Write(t, c.file, c.subject+"\n")
	return c
}

func takeApart(t *testing.T, r *http.Request, body []byte) sent {
	s := sent{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header.Clone()}
	var err error
	switch {
	case len(body) == 0:
	case r.Header.Get("Content-Type") == "application/json":
		err = json.Unmarshal(body, &s.JSON)
	default:
		s.Form, err = url.ParseQuery(string(body))
	}
	if assertion := s.Form.Get("assertion"); err == nil && assertion != "" {
		s.Assertion = jwt.MapClaims{}
		var parsed *jwt.Token
		if parsed, _, err = jwt.NewParser().ParseUnverified(assertion, s.Assertion); err == nil {
			s.JWTHeader = parsed.Header
			s.Form.Del("assertion") // differs in its time
		}
	}
	if err != nil {
		t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return s
}

// files are credentials files of all types that regpass takes.
func (c *cloud) files() map[string]map[string]any {
	actAs := c.url + "/v1/projects/-/serviceAccounts/" + c.Account + ":generateAccessToken"
	elsewhere := func(more map[string]any) map[string]any {
		all := map[string]any{"type": "external_account", "audience": "//iam.googleapis.com/" + c.Provider,
			"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": c.url + "/v1/token",
			"credential_source": map[string]any{"file": c.file}}
		maps.Copy(all, more)
		return all
	}
	person := map[string]any{"type": "authorized_user", "client_id": c.ClientID, "client_secret": c.Secret,
		"refresh_token": c.Refresh, "token_uri": c.url + "/token"}
	return map[string]map[string]any{
		"federation": elsewhere(nil),
		"federation by a URL": elsewhere(map[string]any{"credential_source": map[string]any{
			"url": c.url + "/subject", "headers": map[string]any{"Authorization": "Bearer a-request-token", "X-More": "1"},
			"format": map[string]any{"type": "json", "subject_token_field_name": "value"}}}),
		"federation and a service account": elsewhere(map[string]any{"service_account_impersonation_url": actAs}),
		"federation and a service account for 20 minutes": elsewhere(map[string]any{
			"service_account_impersonation_url": actAs,
			"service_account_impersonation":     map[string]any{"token_lifetime_seconds": 1200}}),
		"service account's key": {"type": "service_account", "client_email": c.Account, "private_key": c.private,
			"private_key_id": "a-key", "token_uri": c.url + "/token"},
		"login": person,
		"login elsewhere": {"type": "external_account_authorized_user", "client_id": c.ClientID, "client_secret": c.Secret,
			"refresh_token": c.Refresh, "token_url": c.url + "/v1/oauthtoken"},
		"login and a service account": {"type": "impersonated_service_account", "source_credentials": person,
			"service_account_impersonation_url": actAs},
	}
}

// byLibrary gets a token as any program of Google's does.
func (c *cloud) byLibrary(t *testing.T, content []byte) string {
	t.Helper()
	var file struct{ Type google.CredentialsType }
	if err := json.Unmarshal(content, &file); err != nil {
		t.Fatal(err)
	}
	credentials, err := google.CredentialsFromJSONWithType(t.Context(), content, file.Type, scope)
	if err != nil {
		t.Fatal(err)
	}
	token, err := credentials.TokenSource.Token()
	if err != nil {
		t.Fatal(err, c.Wrong())
	}
	if !token.Valid() || time.Until(token.Expiry) > time.Hour+time.Second {
		t.Errorf("the library's token ends at %s", token.Expiry)
	}
	return token.AccessToken
}

// env is the surroundings of a regpass with these variables.
func env(vars map[string]string) *regpass.Env {
	return &regpass.Env{Getenv: func(name string) string { return vars[name] }, Now: time.Now, HTTP: http.DefaultClient,
		Stderr: os.Stderr, Mask: func(...regpass.Secret) {},
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
}

// byRegpass gets a token as regpass does, with the first proof in the row's variables.
func (c *cloud) byRegpass(t *testing.T, e *regpass.Env) string {
	t.Helper()
	ref, err := regpass.ParseRef(index)
	if err != nil {
		t.Fatal(err)
	}
	target, err := registry.Open(e, ref)
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range target.Row.Proofs {
		p, ok, err := source.Find(e, target)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			cred, err := target.Exchange(t.Context(), e, p)
			if err != nil {
				t.Fatal(err, c.Wrong())
			}
			return cred.Secret.Reveal()
		}
	}
	cred, err := target.Exchange(t.Context(), e, registry.Proof{Method: regpass.Cloud})
	if err != nil {
		t.Fatal(err, c.Wrong())
	}
	return cred.Secret.Reveal()
}

// compare fails for a difference that is not one of these:
//
//   - User-Agent, Accept, Accept-Encoding and Content-Length, which say nothing of the proof
//   - X-Goog-Api-Client, the library's statistics
//   - an access token of the hop before, which is another one in each run
//   - the lifetime of an impersonation if the file names none: 3300s, not 3600s, because of wrong clocks
//   - iat and exp of an assertion, by the time that passes
func compare(t *testing.T, ours, theirs []sent, tokens map[string]string) {
	t.Helper()
	if len(ours) != len(theirs) {
		t.Fatalf("regpass sends %d requests, the library %d", len(ours), len(theirs))
	}
	for i := range ours {
		a, b := normal(ours[i], tokens), normal(theirs[i], tokens)
		if a.JSON["lifetime"] == "3300s" && b.JSON["lifetime"] == "3600s" {
			b.JSON["lifetime"] = "3300s"
		}
		for _, claim := range []string{"iat", "exp"} {
			x, _ := a.Assertion[claim].(float64)
			y, _ := b.Assertion[claim].(float64)
			if x-y > 5 || y-x > 5 {
				t.Errorf("%s: regpass %v, the library %v", claim, x, y)
			}
			delete(a.Assertion, claim)
			delete(b.Assertion, claim)
		}
		va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
		for f := range va.NumField() {
			if x, y := va.Field(f).Interface(), vb.Field(f).Interface(); !reflect.DeepEqual(x, y) {
				t.Errorf("%s %s: %s: regpass\n%v\nthe library\n%v", a.Method, a.Path, va.Type().Field(f).Name, x, y)
			}
		}
	}
}

func normal(s sent, tokens map[string]string) sent {
	for _, name := range []string{"User-Agent", "Accept", "Accept-Encoding", "Content-Length", "X-Goog-Api-Client"} {
		s.Header.Del(name)
	}
	if token, ok := strings.CutPrefix(s.Header.Get("Authorization"), "Bearer "); ok && tokens[token] != "" {
		s.Header.Set("Authorization", "Bearer of "+tokens[token])
	}
	return s
}

func TestSameRequests(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(newCloud(t).files())) {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			content, err := json.Marshal(c.files()[name])
			if err != nil {
				t.Fatal(err)
			}
			if whose := c.Tokens[c.byLibrary(t, content)]; whose == "" {
				t.Error("the library's token is not the fake's")
			}
			theirs := c.recorded
			c.recorded = nil
			path := filepath.Join(t.TempDir(), "credentials.json")
			testenv.Write(t, path, string(content))
			token := c.byRegpass(t, env(map[string]string{fileVar: path}))
			if whose := c.Tokens[token]; whose == "" || strings.Contains(name, "and a service") && whose != c.Account {
				t.Errorf("regpass's token is of %q", whose)
			}
			compare(t, c.recorded, theirs, c.Tokens)
			if len(theirs) == 0 || len(c.Wrong()) > 0 {
				t.Errorf("%d requests, wrong %q", len(theirs), c.Wrong())
			}
		})
	}
}

// identities are the job's.
type identities struct{ token string }

// Identity is registry.Identities.
func (i identities) Identity(context.Context, string) (regpass.Identity, error) {
	claims, err := regpass.DecodeJWT(regpass.NewSecret(i.token))
	return regpass.Identity{Token: regpass.NewSecret(i.token), Claims: claims}, err
}

// TestSameRequestsOfAJob compares the exchange of a CI identity, which needs no file, with the library's of that
// identity in a file.
func TestSameRequestsOfAJob(t *testing.T) {
	for name, account := range map[string]bool{"federation": false, "federation and a service account": true} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			content, err := json.Marshal(c.files()[name])
			if err != nil {
				t.Fatal(err)
			}
			c.byLibrary(t, content)
			theirs := c.recorded
			c.recorded = nil
			vars := map[string]string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN": strings.TrimPrefix(c.url, "http://"),
				"GOOGLE_WORKLOAD_IDENTITY_PROVIDER": c.Provider}
			if account {
				vars["GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"] = c.Account
			}
			ref, err := regpass.ParseRef(index)
			if err != nil {
				t.Fatal(err)
			}
			target, err := registry.Open(env(vars), ref)
			if err != nil {
				t.Fatal(err)
			}
			cred, err := target.Exchange(t.Context(), env(vars), registry.Proof{Method: regpass.OIDC, From: "a job",
				Identities: identities{c.subject}})
			if err != nil {
				t.Fatal(err, c.Wrong())
			}
			if c.Tokens[cred.Secret.Reveal()] == "" || len(c.Wrong()) > 0 {
				t.Errorf("wrong %q", c.Wrong())
			}
			compare(t, c.recorded, theirs, c.Tokens)
		})
	}
}

// TestSameRequestOfAMachine compares the question to the metadata server.
func TestSameRequestOfAMachine(t *testing.T) {
	c := newCloud(t)
	host := strings.TrimPrefix(c.url, "http://")
	t.Setenv("GCE_METADATA_HOST", host)
	token, err := google.ComputeTokenSource("", scope).Token()
	if err != nil || c.Tokens[token.AccessToken] != c.Account {
		t.Fatal(err, c.Wrong())
	}
	theirs := c.recorded
	c.recorded = nil
	if c.Tokens[c.byRegpass(t, env(map[string]string{"GCE_METADATA_HOST": host}))] != c.Account {
		t.Error("the token is not the machine's")
	}
	compare(t, c.recorded, theirs, c.Tokens)
}
