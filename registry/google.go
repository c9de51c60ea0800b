package registry

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
)

// google is Artifact Registry in all its formats, and gcr.io, which it serves too. No URL names the workload identity
// provider that lets the job in. One access token is good for all hosts, but a credential serves its ref's host alone.
var google = Row{
	Name:    "google",
	Also:    []string{"gcp", "gar", "gcr", "artifact-registry", "artifactregistry"},
	Title:   "Google Artifact Registry and gcr.io",
	Proven:  "Google's library, with a strict fake",
	Doc:     "https://cloud.google.com/artifact-registry/docs/access-control",
	Pages:   []string{"console.cloud.google.com"},
	Hosts:   []string{"LOCATION-FORMAT.pkg.dev", "FORMAT.REGION.rep.pkg.dev", "gcr.io", "REGION.gcr.io"},
	Example: "https://europe-west1-python.pkg.dev/acme-prod/main/simple/",
	Match:   func(_ *regpass.Env, ref regpass.Ref) bool { return googleHost(ref.Host) != nil },
	Proofs: []Source{
		{Method: regpass.ReadyToken, Vars: []string{"CLOUDSDK_AUTH_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"}},
		{Method: regpass.APIKey, Vars: []string{googleFileVar}, Read: readGoogleFile,
			Doc: "path of a credentials file, such as a service account's key"},
	},
	Options:   []Option{googleProviderOption, googleAccountOption},
	OIDC:      true,
	Needs:     []string{googleProviderOption.Name},
	Exchanges: true,
	Cloud:     googleMachine,
	Images:    true,
	Refusals:  googleRefusals,
	Trust:     trustGoogle,
	Open:      openGoogle,
}

// The options are in variables of their own because openGoogle, which reads them, is part of the row.
var (
	googleProviderOption = Option{Name: "provider", Vars: []string{"GOOGLE_WORKLOAD_IDENTITY_PROVIDER"},
		Doc: "projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/NAME, which takes the CI identity"}
	googleAccountOption = Option{Name: "service-account", Vars: []string{"GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"},
		Doc: "email of the service account to impersonate; none: the proof's own principal reads"}
)

// googleHost matches a location and a format, a format and a region, or a location of Container Registry. All of
// pkg.dev is Google's. Formats other than python, npm and docker, and regional hosts other than docker's, are not
// proven by any client's source (GoogleCloudPlatform/docker-credential-gcr, config/const.go).
var googleHost = hostPattern(
	`^(?:([a-z0-9-]+)-(python|npm|maven|docker|go|apt|yum|generic|kfp)\.pkg\.dev`+
		`|(docker|python|npm|maven)\.([a-z0-9-]+)\.rep\.pkg\.dev|(?:(us|eu|asia|marketplace)\.)?gcr\.io)$`,
	"pkg.dev", "gcr.io")

// googleUser is the user name for clients that speak Basic
// (https://cloud.google.com/artifact-registry/docs/docker/authentication#token).
const googleUser = "oauth2accesstoken"

// googleRef is one host of Google's registries.
type googleRef struct {
	docker         bool
	location       string // empty: unknown
	provider       string // as in googleProvider, or empty
	serviceAccount string // or empty
}

func openGoogle(env *regpass.Env, ref regpass.Ref) (Target, error) {
	m := googleHost(ref.Host)
	if m == nil {
		err := regpass.Usagef("%s is no host of Artifact Registry", regpass.Quote(ref.Host))
		return Target{}, regpass.Hintf(err, "it looks like europe-west1-python.pkg.dev")
	}
	g := googleRef{docker: m[2] == "docker" || m[3] == "docker" || strings.HasSuffix(ref.Host, "gcr.io"),
		location: cmp.Or(m[1], m[4], gcrLocations[ref.Host])}
	var t Target
	var err error
	if g.provider, err = parseGoogleProvider(googleProviderOption.value(env, ref)); err != nil {
		return Target{}, err
	}
	g.serviceAccount = googleAccountOption.value(env, ref)
	if g.serviceAccount != "" && !googleAccount().MatchString(g.serviceAccount) {
		err := regpass.Usagef("service-account= or GOOGLE_IMPERSONATE_SERVICE_ACCOUNT is %s, which is no email",
			regpass.Quote(g.serviceAccount))
		return Target{}, regpass.Hintf(err, "it looks like ci@acme-prod.iam.gserviceaccount.com")
	}
	if t.Receiver, err = googleAPI(env, "sts", ""); err != nil {
		return Target{}, err
	}
	sts := t.Receiver.Hostname()
	if !ref.Trusted && !inDomain(sts, googleOwn) && !regpass.Loopback(sts) {
		err := regpass.Usagef("%s is Google's, and GOOGLE_CLOUD_UNIVERSE_DOMAIN says that tokens are of another operator's "+
			"cloud", regpass.Quote(ref.Host))
		return Target{}, regpass.Hintf(err, nameItYourself)
	}
	t.Audience = cmp.Or(ref.Options["audience"], googleIAM+g.provider)
	t.Scope = strings.Join([]string{"read", ref.Host, "as", g.provider, g.serviceAccount}, " ")
	t.exchanger = g
	return t, nil
}

// gcrLocations are where Artifact Registry keeps the repositories of Container Registry
// (https://cloud.google.com/artifact-registry/docs/transition/transition-from-gcr).
var gcrLocations = map[string]string{"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}

// googleAccount matches the email of a service account, which becomes part of a path.
var googleAccount = regpass.Pattern(`^[a-z0-9-]{1,63}@[a-z0-9.-]{1,253}$`)

// googleIAM begins the audience that a provider takes if it lists none. It is the same in every universe
// (https://github.com/google-github-actions/auth/issues/521).
const googleIAM = "https://iam.googleapis.com/"

var (
	googleProvider = regpass.Pattern(
		`^projects/([0-9]+)/locations/global/workloadIdentityPools/([a-z0-9-]{1,64})/providers/([a-z0-9-]{1,64})$`)
	// googleAlmost matches what people paste instead: a project's id for its number, and a pool for a provider.
	googleAlmost = regpass.Pattern(
		`^projects/([a-z0-9.:-]+)/locations/global/workloadIdentityPools/([a-z0-9-]{1,64})(/providers/[a-z0-9-]{1,64})?/?$`)
)

// parseGoogleProvider reads the resource name of a provider, which may be a URL; empty stays empty. STS has one text
// for all mistakes in it.
func parseGoogleProvider(text string) (string, error) {
	name := text
	for _, scheme := range []string{googleIAM, strings.TrimPrefix(googleIAM, "https:")} {
		name = strings.TrimPrefix(name, scheme)
	}
	if name == "" || googleProvider().MatchString(name) {
		return name, nil
	}
	const is = "provider= or GOOGLE_WORKLOAD_IDENTITY_PROVIDER is %s, "
	m := googleAlmost().FindStringSubmatch(name)
	switch {
	case m == nil:
		err := regpass.Usagef(is+"which is no provider", regpass.Quote(text))
		return "", regpass.Hintf(err, "it looks like "+
			"projects/123456789012/locations/global/workloadIdentityPools/ci/providers/github")
	case m[3] == "":
		err := regpass.Usagef(is+"which is a pool and no provider in it", regpass.Quote(text))
		return "", regpass.Hintf(err, "`gcloud iam workload-identity-pools providers list --project=%s --location=global "+
			"--workload-identity-pool=%s --format='value(name)'` lists them", m[1], m[2])
	}
	err := regpass.Usagef(is+"which has the project's id where its number must be", regpass.Quote(text))
	return "", regpass.Hintf(err, "`gcloud projects describe %s --format='value(projectNumber)'` prints the number", m[1])
}

// exchange gets an access token, and with it one of the service account, if one is named.
func (g googleRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	cred := regpass.Credential{Kind: regpass.Bearer, Username: googleUser}
	if g.docker {
		cred.Kind = regpass.Basic // docker sends what its registries' token service takes
	}
	got, err := g.token(ctx, env, t, p)
	if err == nil && g.serviceAccount != "" && p.Method != regpass.ReadyToken {
		got, err = googleImpersonate(ctx, env, got, g.serviceAccount)
	}
	cred.Secret, cred.Expires = got.secret, got.expires
	return cred, err
}

func (g googleRef) token(ctx context.Context, env *regpass.Env, t Target, p Proof) (token, error) {
	switch p.Method {
	case regpass.ReadyToken:
		return p.readyToken(env, t.Row.Name)
	case regpass.OIDC:
		return g.federate(ctx, env, t, p)
	case regpass.Cloud:
		return googleMachineToken(ctx, env)
	case regpass.APIKey:
		content, err := base64.StdEncoding.DecodeString(p.Secret.Reveal())
		if err != nil {
			err = fmt.Errorf("google: the %s from %s is no credentials file in base64", p.Method, p.From)
			return token{}, regpass.Hintf(err, "set CLOUDSDK_AUTH_ACCESS_TOKEN to a token, or %s to the path of a file",
				googleFileVar)
		}
		f, err := parseGoogleFile(env, p.From, content)
		if err != nil {
			return token{}, err
		}
		return f.token(ctx, env)
	}
	return token{}, t.unsupported(p)
}
