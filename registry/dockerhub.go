package registry

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/regpass/regpass"
)

// dockerHub is Docker Hub and Docker Hardened Images, with OIDC connections since 2026. The connection's id is in
// DOCKERHUB_OIDC_CONNECTIONID, where docker/login-action has it too.
var dockerHub = Row{
	Name:    "dockerhub",
	Also:    []string{"docker"},
	Title:   "Docker Hub",
	Proven:  "a strict fake",
	Doc:     "https://docs.docker.com/enterprise/security/docker-oidc/",
	Pages:   []string{"hub.docker.com", "app.docker.com", "docker.com", "www.docker.com"},
	Hosts:   []string{"docker.io", "registry-1.docker.io", "index.docker.io", "dhi.io"},
	Example: "https://registry-1.docker.io/acme/app",
	Match:   func(_ *regpass.Env, ref regpass.Ref) bool { return onDockerHub(ref) },
	Proofs: []Source{{Method: regpass.APIKey, Vars: []string{"DOCKERHUB_USERNAME", "DOCKERHUB_TOKEN"},
		Parts: 2, Doc: "an access token and whose it is", Read: readDockerHub}},
	Options: []Option{dockerHubConnection, dockerHubUser, dockerHubDuration},
	OIDC:    true,
	Needs:   []string{dockerHubConnection.Name, dockerHubUser.Name},
	// The token may live for five minutes only, and a build that pulls and pushes for longer: it is renewed early.
	Halfway: true,
	Images:  true,
	Refusals: []Refusal{
		{"401 Unauthorized", "no ruleset of the OIDC connection matches these claims, or there is no such connection"},
	},
	Trust: trustDockerHub,
	Open:  openDockerHub,
}

// The options of dockerhub (docker/login-action, src/dockerhub.ts; the odd name is its own).
var (
	dockerHubConnection = Option{Name: "connection", Vars: []string{"DOCKERHUB_OIDC_CONNECTIONID"},
		Doc: "id of the OIDC connection, a UUID"}
	dockerHubUser = Option{Name: "username", Vars: []string{"DOCKERHUB_USERNAME"},
		Doc: "the organization of the OIDC connection, or the user that the key is for"}
	dockerHubDuration = Option{Name: "duration", Vars: []string{"DOCKERHUB_OIDC_EXPIREIN"},
		Doc: "lifetime of the credential in seconds, 300 to 21600; 3600 if it is not given"}
)

func onDockerHub(ref regpass.Ref) bool {
	return ref.URL.Scheme == "https" && (ref.Host == "dhi.io" || slices.Contains(dockerHubHosts, ref.Host))
}

// dockerHubHosts are all names of Docker Hub. Clients ask for the credential of any of them.
var dockerHubHosts = []string{"docker.io", "registry-1.docker.io", "index.docker.io"}

var (
	dockerHubUUID = regpass.Pattern(`^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	dockerHubName = regpass.Pattern(`^[a-z0-9][a-z0-9_-]{1,254}$`)
)

// dockerHubRef is a connection and what to ask of it.
type dockerHubRef struct {
	keyRef
	connection, duration string
}

const dockerHubIdentity = "https://identity.docker.com"

func openDockerHub(env *regpass.Env, ref regpass.Ref) (Target, error) {
	if !onDockerHub(ref) {
		err := regpass.Usagef("%s is no host of Docker Hub", regpass.Quote(ref.Host))
		return Target{}, regpass.Hintf(err, "it is docker.io, registry-1.docker.io, index.docker.io or dhi.io")
	}
	user := dockerHubUser.value(env, ref)
	d := dockerHubRef{keyRef{regpass.Basic, user}, dockerHubConnection.value(env, ref),
		cmp.Or(dockerHubDuration.value(env, ref), "3600")}
	if err := checkSeconds(dockerHubDuration.Name, d.duration, 300, 21600); err != nil {
		return Target{}, err
	}
	if d.connection != "" && !dockerHubUUID().MatchString(d.connection) {
		err := regpass.Usagef("connection= or DOCKERHUB_OIDC_CONNECTIONID is %s, which is no UUID",
			regpass.Quote(d.connection))
		return Target{}, regpass.Hintf(err, "Docker Hub shows it in the organization's settings, under OIDC connections")
	}
	if user != "" && !dockerHubName().MatchString(user) {
		return Target{}, regpass.Usagef("%s is no user or organization of Docker Hub", regpass.Quote(user))
	}
	at, err := url.Parse(dockerHubIdentity)
	t := Target{Receiver: at, Audience: cmp.Or(ref.Options["audience"], dockerHubIdentity),
		Scope: d.connection + " as " + user, exchanger: d}
	if ref.Host != "dhi.io" {
		others := slices.DeleteFunc(slices.Clone(dockerHubHosts), func(h string) bool { return h == ref.Host })
		t.Hosts = append([]string{ref.Host}, others...)
	}
	return t, err
}

// readDockerHub reads an access token, which is of no use without its user.
func readDockerHub(env *regpass.Env, t Target) (Proof, bool, error) {
	user, token := t.option(env, dockerHubUser.Name), env.Getenv("DOCKERHUB_TOKEN")
	return Proof{Method: regpass.APIKey, From: "DOCKERHUB_TOKEN", Secret: regpass.SecretLine(token), Kind: regpass.Basic,
		Username: user}, user != "" && token != "", nil
}

// exchange exchanges a CI identity for a token, which is the password of the connection's organization. An access
// token is a password as it is.
//
//	POST /oauth/token   grant_type=…&subject_token_type=…&subject_token=…&connection_id=…&expires_in=…
//	{"access_token": …}
//
// docker/login-action, src/dockerhub.ts.
func (d dockerHubRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	if p.Method != regpass.OIDC {
		return d.keyRef.exchange(ctx, env, t, p)
	}
	const op = "dockerhub: exchange the CI identity"
	var got struct {
		Token   string `json:"access_token"`
		Expires any    `json:"expires_in"`
	}
	err := p.withIdentity(ctx, env, "dockerhub", t.Audience, func(ctx context.Context, id regpass.Identity) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost, URL: apiURL(t.Receiver, "/oauth/token"),
			Form: map[string]any{
				"grant_type":         "urn:ietf:params:oauth:grant-type:token-exchange",
				"subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
				"subject_token":      id.Token,
				"connection_id":      d.connection,
				"expires_in":         d.duration,
			}}, &got)
	})
	if err != nil {
		return regpass.Credential{}, err
	}
	if got.Expires == nil { // the answer need not repeat what was asked for
		seconds, _ := strconv.ParseFloat(d.duration, 64)
		got.Expires = seconds
	}
	minted, err := newTokenUntil(env, op, got.Token, got.Expires, fromNow)
	return regpass.Credential{Kind: regpass.Basic, Username: d.username, Secret: minted.secret,
		Expires: minted.expires}, err
}

// trustDockerHub lets one job use an OIDC connection
// (https://docs.docker.com/enterprise/security/docker-oidc/rulesets-claims/).
func trustDockerHub(env *regpass.Env, t Target, j Job) (Trust, error) {
	if err := j.bySubject(t.Row.Name); err != nil {
		return Trust{}, err
	}
	if err := withoutStar(t.Row.Name, []Claim{{"sub", j.Subject()}}); err != nil {
		return Trust{}, err
	}
	d, _ := t.exchanger.(dockerHubRef)
	out := Trust{
		Where: "Docker Hub, the settings of the organization " + known(d.username, "organization") + ", OIDC connections",
		Fields: []Field{{"issuer", j.Issuer}, {"rule: subject claim", j.Subject()},
			{"resources", "the repositories to read"}, {"scopes", "read"}},
		Workflow: []Field{{"DOCKERHUB_OIDC_CONNECTIONID", known(d.connection, "connection id")},
			{"DOCKERHUB_USERNAME", known(d.username, "organization")}},
		Notes: []string{"A * in the subject claim stands for any text. All rulesets that match are added up.",
			"Docker documents connections for GitHub Actions only."},
	}
	if j.passing() {
		out.Notes = append(out.Notes, passingNote)
	}
	return out, nil
}
