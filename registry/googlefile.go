package registry

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// googleFileVar names a credentials file, for all of Google's libraries.
const googleFileVar = "GOOGLE_APPLICATION_CREDENTIALS"

// maxGoogleFile is how much of a credentials file is read, in bytes: in base64 it is a Secret.
const maxGoogleFile = regpass.MaxToken * 3 / 4

// fileSecret is a Secret that is read from JSON.
type fileSecret struct{ regpass.Secret }

func (s *fileSecret) UnmarshalText(text []byte) error {
	s.Secret = regpass.NewSecret(string(text))
	return nil
}

// googleFile is a credentials file of one of the types in googleFileTypes
// (https://google.aip.dev/auth/4110, 4112 to 4117; golang.org/x/oauth2/google).
type googleFile struct {
	Type     string `json:"type"`
	Universe string `json:"universe_domain"`

	Email    string     `json:"client_email"` // of a service account
	KeyID    string     `json:"private_key_id"`
	Key      fileSecret `json:"private_key"` // in PEM
	TokenURI string     `json:"token_uri"`

	ClientID     string     `json:"client_id"` // of a person's login
	ClientSecret fileSecret `json:"client_secret"`
	RefreshToken fileSecret `json:"refresh_token"`

	Audience    string        `json:"audience"` // of an identity of elsewhere
	SubjectType string        `json:"subject_token_type"`
	TokenURL    string        `json:"token_url"`
	Subject     googleSubject `json:"credential_source"`
	UserProject string        `json:"workforce_pool_user_project"`

	ActAs    string `json:"service_account_impersonation_url"`
	ActAsFor struct {
		Seconds int `json:"token_lifetime_seconds"`
	} `json:"service_account_impersonation"`
	Delegates []string    `json:"delegates"`
	Source    *googleFile `json:"source_credentials"`
}

// googleSubject is where the identity of elsewhere is.
type googleSubject struct {
	File    string                `json:"file"`
	URL     string                `json:"url"`
	Headers map[string]fileSecret `json:"headers"`
	Format  struct {
		Type  string `json:"type"`
		Field string `json:"subject_token_field_name"`
	} `json:"format"`

	Environment string          `json:"environment_id"` // of AWS
	Executable  json.RawMessage `json:"executable"`
	Certificate json.RawMessage `json:"certificate"`
}

// googleFileTypes are the types of credentials files that token knows.
var googleFileTypes = []string{"service_account", "authorized_user", "external_account",
	"external_account_authorized_user", "impersonated_service_account"}

// headers are those to send to the URL, and the secret ones of them apart. A metadata server wants "Metadata: true",
// which must not be masked.
func (s googleSubject) headers() (plain http.Header, secret map[string]regpass.Secret) {
	plain, secret = http.Header{}, map[string]regpass.Secret{}
	for name, value := range s.Headers {
		switch name = http.CanonicalHeaderKey(name); {
		case name == "Accept", name == "Content-Type", len(value.Reveal()) < regpass.MinMinted:
			plain.Set(name, value.Reveal())
		default:
			secret[name] = value.Secret
		}
	}
	return plain, secret
}

// readGoogleFile reads the file that the variable names. It is the user's word, wherever the file lies:
// google-github-actions/auth writes it into the checkout.
func readGoogleFile(env *regpass.Env, _ Target) (Proof, bool, error) {
	path := env.Getenv(googleFileVar)
	if path == "" {
		return Proof{}, false, nil
	}
	content, err := regpass.ReadSecretFile(googleFileVar, env.Abs(path), maxGoogleFile)
	if err == nil {
		_, err = parseGoogleFile(env, googleFileVar, content)
	}
	if err != nil {
		return Proof{}, false, err
	}
	return Proof{Method: regpass.APIKey, From: googleFileVar,
		Secret: regpass.NewSecret(base64.StdEncoding.EncodeToString(content))}, true, nil
}

// parseGoogleFile reads a credentials file and has its secrets masked. Its errors show no secret of it.
func parseGoogleFile(env *regpass.Env, from string, content []byte) (googleFile, error) {
	var f googleFile
	if json.Unmarshal(content, &f) != nil {
		return f, fmt.Errorf("google: the content of %s (%d bytes) is no credentials file", from, len(content))
	}
	env.Mask(f.secrets()...)
	if err := f.check(env); err != nil {
		return f, fmt.Errorf("google: the credentials of %s: %w", from, err)
	}
	return f, nil
}

// secrets are all that the file holds.
func (f googleFile) secrets() []regpass.Secret {
	all := []regpass.Secret{f.Key.Secret, f.ClientSecret.Secret, f.RefreshToken.Secret}
	_, keys := f.Subject.headers()
	all = slices.AppendSeq(all, maps.Values(keys))
	if f.Source != nil {
		all = append(all, f.Source.secrets()...)
	}
	return slices.DeleteFunc(all, regpass.Secret.Empty)
}

// googleInstead is what to do where a file cannot be used.
const googleInstead = "use another type, unset " + googleFileVar + " to use the CI identity, or let gcloud do it: " +
	"`CLOUDSDK_AUTH_ACCESS_TOKEN=$(gcloud auth application-default print-access-token)`"

// check refuses what regpass cannot do, and files that would have secrets sent elsewhere.
func (f googleFile) check(env *regpass.Env) error {
	universe, err := googleUniverse(env)
	if err != nil {
		return err
	}
	if _, err := regpass.Pick("type", f.Type, googleFileTypes, func(name string) string { return name }); err != nil {
		return regpass.Hintf(err, "%s", googleInstead)
	}
	source := ""
	switch {
	case f.Type != "external_account":
	case f.Subject.Environment != "":
		source = "environment_id"
	case f.Subject.Executable != nil:
		source = "executable"
	case f.Subject.Certificate != nil:
		source = "certificate"
	case f.Subject.File == "" && f.Subject.URL == "":
		return regpass.Usagef("credential_source has neither file nor url")
	}
	if source != "" {
		err := regpass.Usagef("regpass reads no credential_source with %s, only file and url", source)
		return regpass.Hintf(err, "%s", googleInstead)
	}
	if f.Universe != "" && f.Universe != universe {
		err := regpass.Usagef("they are for the universe %s, not %s", regpass.Quote(f.Universe), regpass.Quote(universe))
		return regpass.Hintf(err, "set GOOGLE_CLOUD_UNIVERSE_DOMAIN to it, if that is meant")
	}
	if f.Type == "impersonated_service_account" && (f.Source == nil || f.ActAs == "") {
		return regpass.Usagef("source_credentials or service_account_impersonation_url is missing")
	}
	for _, at := range []struct{ field, text string }{
		{"token_uri", f.TokenURI}, {"token_url", f.TokenURL}, {"service_account_impersonation_url", f.ActAs},
	} {
		if at.text == "" {
			continue
		}
		if err := checkGoogleURL(universe, at.field, at.text); err != nil {
			return err
		}
	}
	if f.Source != nil {
		return f.Source.check(env)
	}
	return nil
}

// googlePaths matches where tokens are made. A path of its own is needed too: storage.googleapis.com keeps what it is
// sent, for whoever may read the bucket.
var googlePaths = regpass.Pattern(`^(?:/v1/(?:oauth)?token|(?:/oauth2/v[34]|/o/oauth2)?/token` +
	`|/v1/projects/-/serviceAccounts/[A-Za-z0-9@.-]+:generateAccessToken)$`)

// checkGoogleURL refuses a URL of a credentials file that would have a secret sent to anybody but Google, or the
// universe that the environment names. Google's libraries check none
// (https://cloud.google.com/docs/authentication/client-libraries#external-credentials).
func checkGoogleURL(universe, field, text string) error {
	u, err := url.Parse(text)
	if err == nil {
		err = regpass.CheckEndpoint(u)
	}
	if err != nil {
		return regpass.Usagef("%s is no https URL", field)
	}
	host := strings.ToLower(u.Hostname())
	google := (u.Port() == "" || u.Port() == "443") &&
		(inDomain(host, "googleapis.com") || inDomain(host, universe) || host == "accounts.google.com")
	if !google && !regpass.Loopback(host) || u.RawQuery != "" || !googlePaths().MatchString(u.EscapedPath()) {
		err := regpass.Usagef("%s is %s, which is not where Google makes tokens", field, regpass.Quote(u.Redacted()))
		return regpass.Hintf(err, "its host must be in googleapis.com, or in the domain of GOOGLE_CLOUD_UNIVERSE_DOMAIN")
	}
	return nil
}
