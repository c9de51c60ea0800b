// Package jfrog runs JFrog's own client against the stand-in that the registry's tests use: what JFrog's programs send is
// what it takes, and what regpass sends.
package jfrog

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	accessauth "github.com/jfrog/jfrog-client-go/access/auth"
	"github.com/jfrog/jfrog-client-go/access/services"
	"github.com/jfrog/jfrog-client-go/http/jfroghttpclient"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

const audience = "jfrog-github"

// request is what a server is asked.
type request struct {
	Method, Path, MediaType, Authorization string
	Body                                   map[string]any
}

// job is a CI with one identity.
type job string

// Identity is registry.Identities.
func (j job) Identity(context.Context, string) (regpass.Identity, error) {
	token := regpass.NewSecret(string(j))
	claims, err := regpass.DecodeJWT(token)
	return regpass.Identity{Token: token, Claims: claims}, err
}

func TestSameRequest(t *testing.T) {
	platform := fake.NewJFrog(time.Now)
	platform.Audience, platform.Base = audience, "/jfrog"
	var asked []request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(raw))
		got := request{r.Method, r.URL.Path, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), nil}
		if err := json.Unmarshal(raw, &got.Body); err != nil {
			t.Errorf("%s: %v", r.URL, err)
		}
		asked = append(asked, got)
		platform.ServeHTTP(w, r)
	}))
	defer server.Close()
	id, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"aud": audience, "sub": "repo:acme/app",
		"exp": time.Now().Add(time.Minute).Unix()}).SignedString([]byte("toy"))
	if err != nil {
		t.Fatal(err)
	}

	theirs := exchangeTheirs(t, server.URL+"/jfrog/access/", id)
	ours := exchangeOurs(t, server.URL+"/jfrog/artifactory/api/pypi/x/simple", id)
	if len(asked) != 2 || !reflect.DeepEqual(asked[0], asked[1]) {
		t.Errorf("JFrog's client and regpass differ:\n%+v", asked)
	}
	if !slices.Equal(theirs, ours) {
		t.Errorf("JFrog's client reads %q, regpass %q", theirs, ours)
	}
	if wrong := platform.Wrong(); len(wrong) > 0 {
		t.Error(wrong)
	}
}

// exchangeTheirs returns the user and how the token is presented.
func exchangeTheirs(t *testing.T, url, id string) []string {
	client, err := jfroghttpclient.JfrogClientBuilder().Build()
	if err != nil {
		t.Fatal(err)
	}
	service := services.NewTokenService(client)
	details := accessauth.NewAccessDetails()
	details.SetUrl(url)
	service.ServiceDetails = details
	got, err := service.ExchangeOidcToken(services.CreateOidcTokenParams{
		GrantType:        "urn:ietf:params:oauth:grant-type:token-exchange",
		SubjectTokenType: "urn:ietf:params:oauth:token-type:id_token",
		OidcTokenID:      id, ProviderName: "github", ProjectKey: "ml", IdentityMappingName: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	if got.AccessToken == "" || got.ExpiresIn == nil || *got.ExpiresIn != 3600 {
		t.Errorf("JFrog's client reads %+v", got)
	}
	return []string{got.Username, got.TokenType}
}

func exchangeOurs(t *testing.T, index, id string) []string {
	env := &regpass.Env{Getenv: func(string) string { return "" }, HTTP: http.DefaultClient, Now: time.Now,
		Mask: func(...regpass.Secret) {}, Wait: func(context.Context, time.Duration) error { return nil }}
	ref, err := regpass.ParseRef(index + " type=jfrog provider=github project=ml identity-mapping=ci" +
		" audience=" + audience)
	if err != nil {
		t.Fatal(err)
	}
	ref.Trusted = true
	target, err := registry.Open(env, ref)
	if err != nil {
		t.Fatal(err)
	}
	cred, err := target.Exchange(t.Context(), env, registry.Proof{Method: regpass.OIDC, Identities: job(id)})
	if err != nil {
		t.Fatal(err)
	}
	return []string{cred.Username, map[regpass.Kind]string{regpass.Bearer: "Bearer"}[cred.Kind]}
}
