package registry_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/registry"
)

const (
	googleIndex    = "https://europe-west1-python.pkg.dev/acme-prod/main/simple/"
	googleProvider = "projects/123456789012/locations/global/workloadIdentityPools/ci/providers/github"
	googleAccount  = "ci@acme-prod.iam.gserviceaccount.com"
	googleActAs    = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" + googleAccount +
		":generateAccessToken"
	googleVar = "GOOGLE_APPLICATION_CREDENTIALS"
)

func TestGoogle(t *testing.T) {
	const sts, actAs = "POST https://sts.googleapis.com/v1/token", "POST " + googleActAs
	identity := (&job{t: t}).proof()
	for name, test := range map[string]struct {
		ref   string
		vars  map[string]string
		proof registry.Proof
		kind  regpass.Kind
		lasts time.Duration // 0: unknown
		asked []string
	}{
		"identity": {googleIndex, map[string]string{"GOOGLE_WORKLOAD_IDENTITY_PROVIDER": googleProvider}, identity,
			regpass.Bearer, time.Hour, []string{sts}},
		"provider's URL": {googleIndex + " provider=https://iam.googleapis.com/" + googleProvider, nil, identity,
			regpass.Bearer, time.Hour, []string{sts}},
		"service account": {googleIndex + " provider=//iam.googleapis.com/" + googleProvider + " service-account=" +
			googleAccount, nil, identity, regpass.Bearer, 55 * time.Minute, []string{sts, actAs}},
		"docker": {"https://us-docker.pkg.dev/acme-prod/images provider=" + googleProvider, nil, identity, regpass.Basic,
			time.Hour, []string{sts}},
		"a region's docker": {"https://docker.us-east1.rep.pkg.dev/acme-prod/images provider=" + googleProvider, nil,
			identity, regpass.Basic, time.Hour, []string{sts}},
		"gcr.io": {"eu.gcr.io provider=" + googleProvider, nil, identity, regpass.Basic, time.Hour, []string{sts}},
		"another universe": {googleIndex + " provider=" + googleProvider + " service-account=" + googleAccount,
			map[string]string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN": "apis.cloud.example"}, identity, regpass.Bearer,
			55 * time.Minute, []string{"POST https://sts.apis.cloud.example/v1/token",
				strings.Replace(actAs, "googleapis.com", "apis.cloud.example", 1)}},
		"this machine": {googleIndex + " provider=" + googleProvider,
			map[string]string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN": "127.0.0.1:8080"}, identity, regpass.Bearer, time.Hour,
			[]string{"POST http://127.0.0.1:8080/v1/token"}},
		"ready": {googleIndex + " service-account=" + googleAccount, nil,
			key(regpass.ReadyToken, "CLOUDSDK_AUTH_ACCESS_TOKEN", "ya29.a0-ready-token"), regpass.Bearer, 0, nil},
		"machine": {googleIndex, map[string]string{"GCE_METADATA_HOST": "metadata.google.internal"},
			registry.Proof{Method: regpass.Cloud}, regpass.Bearer, time.Hour, []string{
				"GET http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token" +
					"?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewGoogle(now)
			w := newFixture(server)
			for k, v := range test.vars {
				w.vars[k] = v
			}
			r := ref(t, test.ref)
			cred, err := w.exchange(t.Context(), r, test.proof)
			if err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if cred.Registry != "google" || cred.Kind != test.kind || cred.Username != "oauth2accesstoken" ||
				cred.Host != r.Host || len(cred.MoreHosts) > 0 {
				t.Errorf("got %+v", cred)
			}
			if lasts := cred.Expires.Sub(now()); test.lasts != 0 && lasts != test.lasts ||
				test.lasts == 0 && !cred.Expires.IsZero() {
				t.Errorf("ends at %s", cred.Expires)
			}
			if !slices.Equal(w.asked, test.asked) || len(server.Wrong()) > 0 {
				t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
			}
			if made := cred.Secret.Reveal(); test.asked != nil && !slices.Contains(w.masked, made) {
				t.Error("the token is not masked")
			}
		})
	}
}

func TestGoogleRefusals(t *testing.T) {
	const who = "map google.subject to a shorter claim"
	for name, test := range map[string]struct {
		options string
		change  func(*fake.Google)
		says    []string
	}{
		"provider": {"", func(g *fake.Google) { g.Provider = strings.Replace(googleProvider, "github", "gone", 1) },
			[]string{"google: exchange the CI identity: POST https://sts.googleapis.com/v1/token: 400", "invalid_target",
				"the pool or the provider is disabled or deleted"}},
		"condition": {"", func(g *fake.Google) { g.Subject = "repo:acme/other" }, []string{"unauthorized_client",
			"the provider's attribute condition does not match", "may take 5 minutes",
			`sub="repo:acme/app:ref:refs/heads/main"`, "`regpass trust https://europe-west1-python.pkg.dev"}},
		"audience": {" audience=other", func(*fake.Google) {}, []string{"invalid_grant"}},
		"service account": {" service-account=" + googleAccount, func(g *fake.Google) { g.Denied = true },
			[]string{"google: impersonate the service account: POST " + googleActAs + ": 403",
				"roles/iam.workloadIdentityUser"}},
		"too long a subject": {"", func(g *fake.Google) {
			g.Instead(text(400, `{"error":"invalid_grant","error_description":"The size of mapped attribute google.subject `+
				`exceeds the 127 bytes limit."}`))
		}, []string{who}},
		"no provider": {"", func(g *fake.Google) {
			g.Instead(text(400, `{"error":"invalid_request","error_description":"Invalid value for \"audience\". This `+
				`value should be the full resource name of the Identity Provider."}`))
		}, []string{"not its pool"}},
		"clock": {" service-account=" + googleAccount, func(g *fake.Google) {
			g.Instead(nil, text(400, `{"error":{"code":400,"message":"The access token lifetime cannot exceed 3600 seconds.",`+
				`"status":"INVALID_ARGUMENT"}}`))
		}, []string{"the clock here is wrong"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewGoogle(now)
			test.change(server)
			w := newFixture(server)
			j := &job{t: t}
			_, err := w.exchange(t.Context(), ref(t, googleIndex+" provider="+googleProvider+test.options), j.proof())
			mustSay(t, err, test.says...)
			hide := j.tokens
			for made := range server.Tokens {
				hide = append(hide, made)
			}
			mustHide(t, err, hide...)
			if !errors.Is(err, regpass.ErrRefused) {
				t.Errorf("%v is not ErrRefused", err)
			}
		})
	}
}

// TestGoogleProvider fails if a mistake in the provider is left to STS, which has one text for all.
func TestGoogleProvider(t *testing.T) {
	const pool = "projects/123456789012/locations/global/workloadIdentityPools/ci"
	for value, says := range map[string][]string{
		"projects/acme-prod/locations/global/workloadIdentityPools/ci/providers/github": {"the project's id",
			"`gcloud projects describe acme-prod --format='value(projectNumber)'`"},
		pool: {"a pool and no provider", "`gcloud iam workload-identity-pools providers list " +
			"--project=123456789012 --location=global --workload-identity-pool=ci"},
		"https://iam.googleapis.com/" + pool: {"a pool and no provider"},
		"github":                             {"which is no provider", "it looks like projects/"},
		"https://evil.example/" + pool + "/providers/x":         {"which is no provider"},
		pool + "/providers/x/y":                                 {"which is no provider"},
		pool + "/providers/x?y":                                 {"which is no provider"},
		"projects/a';x/locations/global/workloadIdentityPools/": {"which is no provider"},
		pool + "/attribute.repository/acme/app":                 {"which is no provider"},
	} {
		w := newFixture(nil)
		w.vars["GOOGLE_WORKLOAD_IDENTITY_PROVIDER"] = value
		_, err := registry.Open(w.Env, ref(t, googleIndex))
		mustSay(t, err, append(says, "provider= or GOOGLE_WORKLOAD_IDENTITY_PROVIDER is")...)
		if !errors.Is(err, regpass.ErrUsage) {
			t.Errorf("%v is not ErrUsage", err)
		}
	}
	for value, name := range map[string]string{
		"ci@acme/../x:generateAccessToken?": "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
		"evil.example/x?":                   "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
		"evil.example:8443":                 "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
		"x@evil.example":                    "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
		"com":                               "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
	} {
		w := newFixture(nil)
		w.vars[name] = value
		_, err := registry.Open(w.Env, ref(t, googleIndex))
		mustSay(t, err, name)
	}
	target, err := registry.Open(newFixture(nil).Env, ref(t, googleIndex))
	if err != nil || !slices.Equal(target.Missing(newFixture(nil).Env),
		[]string{"GOOGLE_WORKLOAD_IDENTITY_PROVIDER or provider="}) {
		t.Error(target.Missing(newFixture(nil).Env), err)
	}
	if !slices.Equal(target.KeyVars(), []string{googleVar}) {
		t.Error(target.KeyVars())
	}
}

func TestGoogleHosts(t *testing.T) {
	for host, want := range map[string]string{
		"us-python.pkg.dev": "google", "europe-west1-docker.pkg.dev": "google", "asia-npm.pkg.dev": "google",
		"us-central1-maven.pkg.dev": "google", "docker.us-east1.rep.pkg.dev": "google", "US-Docker.pkg.dev:443": "google",
		"gcr.io": "google", "us.gcr.io": "google", "marketplace.gcr.io": "google",
		"us-python.pkg.dev:8443": "static", "us-python.pkg.dev.evil.example": "static", "evilpkg.dev": "static",
		"us-python.evil-pkg.dev": "static", "x.us-python.pkg.dev": "static", "pkg.dev": "static", "python.pkg.dev": "static",
		"evil.gcr.io": "static", "gcr.io.evil.example": "static", "notgcr.io": "static", "evil.rep.pkg.dev": "static",
	} {
		row, err := registry.Find(newFixture(nil).Env, ref(t, "https://"+host+"/acme/main"))
		if err != nil || row.Name != want {
			t.Errorf("%s: %s, %v, not %s", host, row.Name, err, want)
		}
	}
	_, err := registry.Open(newFixture(nil).Env, ref(t, "https://pkgs.corp.example type=google"))
	mustSay(t, err, "no host of Artifact Registry")
}

// TestGoogleScope fails if the credential of one host could be taken for that of another, whatever it was made with.
func TestGoogleScope(t *testing.T) {
	seen := map[string]string{}
	for _, text := range []string{googleIndex, "us-docker.pkg.dev", googleIndex + " provider=" + googleProvider,
		googleIndex + " provider=" + googleProvider + " service-account=" + googleAccount} {
		target, err := registry.Open(newFixture(nil).Env, ref(t, text))
		if err != nil {
			t.Fatal(err)
		}
		scope := target.ScopeFor(regpass.APIKey)
		if seen[scope] != "" || scope != target.ScopeFor(regpass.Cloud) || scope != target.ScopeFor(regpass.OIDC) {
			t.Errorf("%s has the scope %q, like %s", text, scope, seen[scope])
		}
		seen[scope] = text
	}
}

// googleKey makes the key of a service account.
func googleKey(t *testing.T) (*rsa.PrivateKey, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// credentials writes a credentials file and names it in the variable.
func (w *fixture) credentials(t *testing.T, file map[string]any) {
	t.Helper()
	content, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	w.vars[googleVar] = filepath.Join(t.TempDir(), "credentials.json")
	testenv.Write(t, w.vars[googleVar], string(content))
}

// byFile finds the proof in the row's variables and exchanges it.
func (w *fixture) byFile(ctx context.Context, r regpass.Ref) (regpass.Credential, error) {
	target, err := registry.Open(w.Env, r)
	if err != nil {
		return regpass.Credential{}, err
	}
	for _, source := range target.Row.Proofs {
		p, ok, err := source.Find(w.Env, target)
		if err != nil {
			return regpass.Credential{}, err
		}
		if ok {
			if err := target.Check(w.Env, p); err != nil {
				return regpass.Credential{}, err
			}
			return target.Exchange(ctx, w.Env, p)
		}
	}
	return regpass.Credential{}, errors.New("no proof")
}

// subjectToken is an identity that a credentials file points to.
func subjectToken(t *testing.T) string {
	return signed(t, jwt.MapClaims{"aud": "https://iam.googleapis.com/" + googleProvider, "sub": "repo:acme/app",
		"exp": now().Add(time.Minute).Unix()})
}

// googleFiles are credentials files of all types.
func googleFiles(t *testing.T, server *fake.Google, subject string) map[string]map[string]any {
	key, private := googleKey(t)
	server.Key = &key.PublicKey
	file := filepath.Join(t.TempDir(), "subject")
	testenv.Write(t, file, subject+"\n")
	account := map[string]any{"type": "service_account", "client_email": googleAccount, "private_key": private,
		"private_key_id": "a-key", "token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com"}
	person := map[string]any{"type": "authorized_user", "client_id": server.ClientID, "client_secret": server.Secret,
		"refresh_token": server.Refresh}
	elsewhere := func(source map[string]any, more ...any) map[string]any {
		all := map[string]any{"type": "external_account", "audience": "//iam.googleapis.com/" + googleProvider,
			"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": "https://sts.googleapis.com/v1/token",
			"credential_source": source}
		for i := 0; i < len(more); i += 2 {
			all[more[i].(string)] = more[i+1]
		}
		return all
	}
	return map[string]map[string]any{
		"service_account": account,
		"authorized_user": person,
		"file":            elsewhere(map[string]any{"file": file}),
		"url": elsewhere(map[string]any{"url": "https://ci.example/token", "headers": map[string]any{
			"Authorization": "Bearer a-request-token-of-the-job", "Metadata": "True"},
			"format": map[string]any{"type": "json", "subject_token_field_name": "value"}},
			"service_account_impersonation_url", googleActAs,
			"service_account_impersonation", map[string]any{"token_lifetime_seconds": 1200}),
		"external_account_authorized_user": {"type": "external_account_authorized_user", "client_id": server.ClientID,
			"client_secret": server.Secret, "refresh_token": server.Refresh,
			"token_url": "https://sts.googleapis.com/v1/oauthtoken"},
		"impersonated_service_account": {"type": "impersonated_service_account", "source_credentials": person,
			"service_account_impersonation_url": googleActAs},
	}
}

func TestGoogleFiles(t *testing.T) {
	server := fake.NewGoogle(now)
	subject := subjectToken(t)
	const oauth, sts, actAs = "POST https://oauth2.googleapis.com/token", "POST https://sts.googleapis.com/v1/token",
		"POST " + googleActAs
	want := map[string][]string{
		"service_account": {oauth}, "authorized_user": {oauth}, "file": {sts},
		"url":                              {"GET https://ci.example/token", sts, actAs},
		"external_account_authorized_user": {"POST https://sts.googleapis.com/v1/oauthtoken"},
		"impersonated_service_account":     {oauth, actAs},
	}
	for name, file := range googleFiles(t, server, subject) {
		t.Run(name, func(t *testing.T) {
			w := newFixture(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Host != "ci.example":
					server.ServeHTTP(w, r)
				case r.Header.Get("Authorization") == "Bearer a-request-token-of-the-job" && r.Header.Get("Metadata") == "True":
					_, _ = w.Write([]byte(`{"value":"` + subject + `"}`))
				default:
					w.WriteHeader(http.StatusUnauthorized)
				}
			}))
			w.credentials(t, file)
			cred, err := w.byFile(t.Context(), ref(t, googleIndex))
			if err != nil {
				t.Fatal(said(err), server.Wrong())
			}
			if whose := server.Tokens[cred.Secret.Reveal()]; whose == "" || cred.Kind != regpass.Bearer {
				t.Errorf("got %+v of %q", cred, whose)
			}
			if name == "url" && !cred.Expires.Equal(now().Add(20*time.Minute)) {
				t.Errorf("the lifetime in the file is not taken: %s", cred.Expires)
			}
			if !slices.Equal(w.asked, want[name]) || len(server.Wrong()) > 0 {
				t.Errorf("asked %q, wrong %q", w.asked, server.Wrong())
			}
			if slices.Contains(w.masked, "True") || name == "url" &&
				(!slices.Contains(w.masked, subject) || !slices.Contains(w.masked, "Bearer a-request-token-of-the-job")) {
				t.Errorf("masked %q", w.masked)
			}
			for _, field := range []string{"private_key", "client_secret", "refresh_token"} {
				if s, ok := file[field].(string); ok && !slices.Contains(w.masked, s) {
					t.Errorf("%s is not masked", field)
				}
			}
		})
	}
}

// TestGoogleFilesRefused fails if a file has its secrets sent elsewhere, or one that regpass cannot use is taken for
// another or tried.
func TestGoogleFilesRefused(t *testing.T) {
	server := fake.NewGoogle(now)
	files := googleFiles(t, server, subjectToken(t))
	for _, test := range []struct {
		file, field string
		value       any
		says        []string
	}{
		{"file", "token_url", "https://evil.example/v1/token", []string{"token_url is", "not where Google makes tokens",
			"GOOGLE_CLOUD_UNIVERSE_DOMAIN"}},
		{"file", "token_url", "https://sts.googleapis.com.evil.example/v1/token", []string{"not where Google"}},
		{"file", "token_url", "https://evilgoogleapis.com/v1/token", []string{"not where Google"}},
		{"file", "token_url", "https://sts.googleapis.com:8443/v1/token", []string{"not where Google"}},
		{"file", "token_url", "http://sts.googleapis.com/v1/token", []string{"no https URL"}},
		{"file", "token_url", "https://x:y@sts.googleapis.com/v1/token", []string{"no https URL"}},
		{"file", "token_url", "https://storage.googleapis.com/upload/storage/v1/b/evil/o?uploadType=media&name=x",
			[]string{"not where Google"}},
		{"file", "token_url", "https://sts.googleapis.com/v1/token?x", []string{"not where Google"}},
		{"service_account", "token_uri", "https://evil.example/token", []string{"token_uri is"}},
		{"authorized_user", "token_uri", "https://evil.example/token", []string{"token_uri is"}},
		{"url", "service_account_impersonation_url", strings.Replace(googleActAs, "googleapis.com", "evil.example", 1),
			[]string{"service_account_impersonation_url is"}},
		{"url", "service_account_impersonation_url", "https://iamcredentials.googleapis.com/elsewhere",
			[]string{"service_account_impersonation_url is"}},
		{"impersonated_service_account", "source_credentials", map[string]any{"type": "authorized_user",
			"token_uri": "https://evil.example/token"}, []string{"token_uri is"}},
		{"impersonated_service_account", "source_credentials", nil, []string{"source_credentials or"}},
		{"service_account", "universe_domain", "evil.example", []string{"for the universe", "GOOGLE_CLOUD_UNIVERSE_DOMAIN"}},
		{"service_account", "type", "gdch_service_account", []string{`unknown type "gdch_service_account"`,
			"gcloud auth application-default print-access-token"}},
		{"service_account", "private_key", "-----BEGIN PRIVATE KEY-----\nsecret\n", []string{"no RSA key in PEM"}},
		{"file", "credential_source", map[string]any{"executable": map[string]any{"command": "/bin/x"}},
			[]string{"no credential_source with executable", "unset " + googleVar}},
		{"file", "credential_source", map[string]any{"environment_id": "aws1", "url": "http://169.254.169.254/"},
			[]string{"no credential_source with environment_id"}},
		{"file", "credential_source", map[string]any{"certificate": map[string]any{}},
			[]string{"no credential_source with certificate"}},
		{"file", "credential_source", map[string]any{}, []string{"neither file nor url"}},
		{"file", "credential_source", map[string]any{"url": "http://ci.example/token"}, []string{"neither https nor"}},
		{"file", "credential_source", map[string]any{"file": "/nowhere/token"}, []string{"credential_source.file"}},
	} {
		t.Run(test.file+" "+test.field, func(t *testing.T) {
			w := newFixture(server)
			changed := map[string]any{}
			for k, v := range files[test.file] {
				changed[k] = v
			}
			changed[test.field] = test.value
			w.credentials(t, changed)
			_, err := w.byFile(t.Context(), ref(t, googleIndex))
			mustSay(t, err, test.says...)
			mustHide(t, err, server.Secret, server.Refresh)
			if len(w.asked) > 0 {
				t.Errorf("asked %v", w.asked)
			}
		})
	}
	w := newFixture(server)
	w.vars[googleVar] = "/nowhere/credentials.json"
	_, err := w.byFile(t.Context(), ref(t, googleIndex))
	mustSay(t, err, googleVar+" names no file")
	_, err = w.exchange(t.Context(), ref(t, googleIndex), key(regpass.APIKey, "REGPASS_API_KEY", "ya29.token"))
	mustSay(t, err, "REGPASS_API_KEY is no credentials file in base64", "CLOUDSDK_AUTH_ACCESS_TOKEN")
	_, err = w.exchange(t.Context(), ref(t, googleIndex), registry.Proof{Method: regpass.Refresh})
	mustSay(t, err, "takes no refresh token")
}

// TestGoogleUniverseOfFile: another universe is the word of the environment, never that of the file alone.
func TestGoogleUniverseOfFile(t *testing.T) {
	server := fake.NewGoogle(now)
	file := googleFiles(t, server, subjectToken(t))["file"]
	file["token_url"], file["universe_domain"] = "https://sts.apis.cloud.example/v1/token", "apis.cloud.example"
	w := newFixture(server)
	w.credentials(t, file)
	if _, err := w.byFile(t.Context(), ref(t, googleIndex)); err == nil || len(w.asked) > 0 {
		t.Error(err, w.asked)
	}
	w.vars["GOOGLE_CLOUD_UNIVERSE_DOMAIN"] = "apis.cloud.example"
	if _, err := w.byFile(t.Context(), ref(t, googleIndex)); err != nil {
		t.Error(said(err))
	}
}

func TestGoogleMachine(t *testing.T) {
	machine := func(name string) func() string { return func() string { return name } }
	for name, test := range map[string]struct {
		vars    map[string]string
		machine func() string
		login   bool
		want    string
	}{
		"elsewhere":   {nil, machine("Amazon EC2"), false, ""},
		"unknown":     {nil, nil, false, ""},
		"Google":      {nil, machine("Google Compute Engine"), false, "the machine's service account"},
		"unwanted":    {map[string]string{"NO_GCE_CHECK": "True"}, machine("Google Compute Engine"), false, ""},
		"by variable": {map[string]string{"GCE_METADATA_HOST": "127.0.0.1:1"}, nil, false, "the machine's service account"},
		"login":       {nil, machine("Google Compute Engine"), true, "gcloud's login"},
	} {
		t.Run(name, func(t *testing.T) {
			server := fake.NewGoogle(now)
			w := newFixture(server)
			w.Home, w.Machine = t.TempDir(), test.machine
			for k, v := range test.vars {
				w.vars[k] = v
			}
			if test.login {
				w.vars["CLOUDSDK_CONFIG"] = t.TempDir()
				content, _ := json.Marshal(googleFiles(t, server, "x")["authorized_user"])
				login := filepath.Join(w.vars["CLOUDSDK_CONFIG"], "application_default_credentials.json")
				testenv.Write(t, login, string(content))
			}
			target, err := registry.Open(w.Env, ref(t, googleIndex))
			if err != nil || target.Row.Cloud(w.Env, target) != test.want {
				t.Fatalf("%q, %v", target.Row.Cloud(w.Env, target), err)
			}
			if !test.login {
				return
			}
			if _, err := target.Exchange(t.Context(), w.Env, registry.Proof{Method: regpass.Cloud}); err != nil ||
				!slices.Equal(w.asked, []string{"POST https://oauth2.googleapis.com/token"}) {
				t.Error(err, w.asked)
			}
			server.Refresh = "another"
			_, err = target.Exchange(t.Context(), w.Env, registry.Proof{Method: regpass.Cloud})
			mustSay(t, err, "google: renew gcloud's login", "`gcloud auth application-default login`")
		})
	}
	server := fake.NewGoogle(now)
	server.Account = ""
	w := newFixture(server)
	_, err := w.exchange(t.Context(), ref(t, googleIndex), registry.Proof{Method: regpass.Cloud})
	mustSay(t, err, "google: ask for the machine's token", "the machine has no service account")
}

func TestGoogleTrust(t *testing.T) {
	j := registry.Job{Issuer: "https://token.actions.githubusercontent.com",
		Audience: "https://iam.googleapis.com/" + googleProvider,
		Claims: []registry.Claim{{Name: "sub", Value: "repo:acme/app:ref:refs/heads/main"},
			{Name: "repository", Value: "acme/app"}, {Name: "repository_id", Value: "7"}}}
	long := j
	long.Claims = []registry.Claim{{Name: "sub", Value: "repo:acme/app:" + strings.Repeat("x", 128)}, j.Claims[2]}
	circle := registry.Job{Issuer: "https://oidc.circleci.com/org/o", Audience: "o", Claims: []registry.Claim{
		{Name: "sub", Value: "org/o/project/p/user/u"}, {Name: "oidc.circleci.com/project-id", Value: `p" || "`}}}
	const member = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/ci" +
		"/subject/"
	for name, test := range map[string]struct {
		ref  string
		job  registry.Job
		want []string // in the output of the commands, whose words are lines
	}{
		"job": {googleIndex + " provider=" + googleProvider, j, []string{"create-oidc\ngithub", "--project=123456789012",
			"--attribute-mapping=google.subject=assertion.sub", `--attribute-condition=assertion.repository_id == "7"`,
			"--member=" + member + "repo:acme/app:ref:refs/heads/main", "repositories\nadd-iam-policy-binding\nmain",
			"--project=acme-prod\n--location=europe-west1\n--role=roles/artifactregistry.reader"}},
		"service account": {googleIndex + " provider=" + googleProvider + " service-account=" + googleAccount, j,
			[]string{"service-accounts\ncreate\nci", "--role=roles/iam.workloadIdentityUser\n--member=" + member,
				"--member=serviceAccount:" + googleAccount}},
		"long subject": {googleIndex + " provider=" + googleProvider, long, []string{
			"--attribute-mapping=google.subject=assertion.repository_id", "assertion.sub == \"repo:acme/app:xxx",
			` && assertion.repository_id == "7"`, "--member=" + member + "7"}},
		"another audience": {"https://gcr.io/acme.example/prod/app provider=" + googleProvider, circle, []string{
			"--allowed-audiences=o", `--attribute-condition=assertion['oidc.circleci.com/project-id'] == "p\" || \""`,
			"add-iam-policy-binding\ngcr.io\n--project=acme.example:prod\n--location=us"}},
		"nothing yet": {googleIndex, j, []string{"create-oidc\nregpass\n--project=acme-prod"}},
	} {
		t.Run(name, func(t *testing.T) {
			env := newFixture(nil).Env
			target, err := registry.Open(env, ref(t, test.ref))
			if err != nil {
				t.Fatal(err)
			}
			trust, err := target.Row.Trust(env, target, test.job)
			if err != nil {
				t.Fatal(said(err))
			}
			c := exec.Command("bash", "-eu", "-c", "gcloud() { printf '%s\\n' \"$@\"; }\n"+trust.Shell)
			out, err := c.CombinedOutput()
			if err != nil {
				t.Fatal(err, string(out))
			}
			for _, want := range test.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("%q is not in\n%s", want, out)
				}
			}
		})
	}
	long.Claims = long.Claims[:1]
	target, err := registry.Open(newFixture(nil).Env, ref(t, googleIndex))
	if err != nil {
		t.Fatal(err)
	}
	_, err = target.Row.Trust(newFixture(nil).Env, target, long)
	mustSay(t, err, "Google takes 127")
}

func googleWays(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way {
	j := &job{t: t}
	sts := way{name: "google's exchange", ref: googleIndex, run: by(j.proof()),
		server: func() http.Handler { return fake.NewGoogle(now) }, broken: []string{`{"access_token":%s}`},
		vars: map[string]string{"GOOGLE_WORKLOAD_IDENTITY_PROVIDER": googleProvider},
		end:  `{"access_token":"at-0123456789abcdef","expires_in":%s}`,
		sent: func() []string { return j.tokens }}
	actAs := sts
	actAs.name, actAs.before, actAs.broken = "google's service account", 1, []string{`{"accessToken":%s}`}
	actAs.end = `{"accessToken":"at-0123456789abcdef","expireTime":%s}`
	actAs.ref += " service-account=" + googleAccount
	metadata := way{name: "google's machine", ref: googleIndex, run: by(registry.Proof{Method: regpass.Cloud}),
		broken: []string{`{"access_token":%s}`}, sent: func() []string { return nil }, end: sts.end}
	all := []way{sts, actAs, metadata}
	server := fake.NewGoogle(now)
	subject := subjectToken(t)
	files := googleFiles(t, server, subject)
	for name, secrets := range map[string][]string{
		"service_account": {files["service_account"]["private_key"].(string)}, "file": {subject},
		"authorized_user": {server.Secret, server.Refresh}, "url": {"a-request-token-of-the-job"},
		"external_account_authorized_user": {server.Secret, server.Refresh},
	} {
		file := way{name: "google's " + name, ref: googleIndex, sent: func() []string { return secrets },
			run: func(ctx context.Context, w *fixture, r regpass.Ref) error {
				w.credentials(t, files[name])
				_, err := w.byFile(ctx, r)
				return err
			}}
		if name != "url" {
			file.broken, file.end = []string{`{"access_token":%s}`}, sts.end
		}
		all = append(all, file)
	}
	return all
}

// TestGoogleUniverseOfAnotherOperator fails if a token of another operator's cloud is for a host of Google's that only
// a file of the checkout names.
func TestGoogleUniverseOfAnotherOperator(t *testing.T) {
	for universe, refused := range map[string]bool{"": false, "googleapis.com": false, "GoogleAPIs.com": false,
		"127.0.0.1:8080": false, "apis.cloud.example": true, "googleapis.com.evil.example": true,
		"evilgoogleapis.com": true} {
		for _, trusted := range []bool{false, true} {
			w := newFixture(nil)
			w.vars["GOOGLE_CLOUD_UNIVERSE_DOMAIN"] = universe
			r := ref(t, googleIndex)
			r.Trusted, r.Origin = trusted, "pyproject.toml"
			if _, err := registry.Open(w.Env, r); (err != nil) != (refused && !trusted) {
				t.Errorf("%s, trusted: %v: %v", universe, trusted, err)
			}
		}
	}
}
