package registry

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
)

// chainguard is Chainguard's images and libraries. An assumable identity, which Chainguard knows by an id, trusts the
// job's issuer and subject.
var chainguard = Row{
	Name:    "chainguard",
	Title:   "Chainguard images and libraries",
	Proven:  "a strict fake",
	Doc:     "https://www.chainguard.dev/docs/platform/administration/assumable-ids/",
	Pages:   []string{"chainguard.dev", "images.chainguard.dev", "console.chainguard.dev"},
	Hosts:   []string{"cgr.dev", "*.cgr.dev"},
	Example: "https://libraries.cgr.dev/python/simple/",
	Match:   func(_ *regpass.Env, ref regpass.Ref) bool { return onChainguard(ref) },
	Proofs: []Source{{Method: regpass.APIKey, Vars: []string{"CHAINGUARD_PYTHON_IDENTITY_ID", "CHAINGUARD_PYTHON_TOKEN"},
		Parts: 2,
		Doc:   "a pull token, for the Python libraries", Host: chainguardLibraries, Read: readChainguard}},
	Options: []Option{chainguardIdentity},
	OIDC:    true,
	Needs:   []string{chainguardIdentity.Name},
	Images:  true,
	Refusals: []Refusal{ // by status: the texts are not documented
		{"401 Unauthorized", "the identity may trust another issuer, subject or audience"},
		{"403 Forbidden", "the identity may trust another issuer, subject or audience"},
		{"404 Not Found", "there may be no identity of that id"},
	},
	Trust: trustChainguard,
	Open:  openChainguard,
}

// chainguardIdentity is the identity to assume. Chainguard's programs take it as an argument only.
var chainguardIdentity = Option{Name: "identity", Vars: []string{"CHAINGUARD_IDENTITY"},
	Doc: "id of the Chainguard identity that the CI identity is exchanged for"}

// chainguardUIDP matches the id of an identity: those of its parents, and its own.
var chainguardUIDP = regpass.Pattern(`^[0-9a-f]{8,64}(?:/[0-9a-f]{8,64})+$`)

// Chainguard's hosts, and the user name for its tokens (chainguard-dev/sdk, auth/ggcr/keychain.go).
const (
	chainguardIssuer    = "https://issuer.enforce.dev"
	chainguardImages    = "cgr.dev"
	chainguardLibraries = "libraries.cgr.dev"
	chainguardUser      = "_token"
)

// chainguardRef is an identity of Chainguard and what its token is for.
type chainguardRef struct{ identity, service string }

func onChainguard(ref regpass.Ref) bool {
	return ref.URL.Scheme == "https" && inDomain(ref.Host, "cgr.dev") // Host has no port, so 443
}

func openChainguard(env *regpass.Env, ref regpass.Ref) (Target, error) {
	if !onChainguard(ref) {
		err := regpass.Usagef("%s is no host of Chainguard", regpass.Quote(ref.Host))
		return Target{}, regpass.Hintf(err, "it is cgr.dev or libraries.cgr.dev")
	}
	c := chainguardRef{identity: chainguardIdentity.value(env, ref), service: chainguardImages}
	if c.identity != "" && !chainguardUIDP().MatchString(c.identity) {
		err := regpass.Usagef("identity= or CHAINGUARD_IDENTITY is %s, which is no id of an identity",
			regpass.Quote(c.identity))
		return Target{}, regpass.Hintf(err, "`chainctl iam identities list` shows it: hexadecimal digits with slashes")
	}
	if ref.Host == chainguardLibraries {
		c.service = chainguardLibraries
	}
	at, err := url.Parse(chainguardIssuer)
	return Target{Receiver: at, Audience: cmp.Or(ref.Options["audience"], "issuer.enforce.dev"),
		Scope: c.service + " as " + c.identity, exchanger: c}, err
}

// readChainguard reads a pull token, as `chainctl auth pull-token --output env` prints it, for Python's libraries.
func readChainguard(env *regpass.Env, t Target) (Proof, bool, error) {
	id, token := env.Getenv("CHAINGUARD_PYTHON_IDENTITY_ID"), env.Getenv("CHAINGUARD_PYTHON_TOKEN")
	python := strings.HasPrefix(segments(t.Ref.URL)[0], "python")
	return Proof{Method: regpass.APIKey, From: "CHAINGUARD_PYTHON_TOKEN", Secret: regpass.SecretLine(token),
		Kind: regpass.Basic, Username: id}, python && id != "" && token != "", nil
}

// exchange exchanges a CI identity for a token. A key is used as it is.
//
//	POST /sts/exchange   Authorization: Bearer ID token   aud=cgr.dev&identity=…
//	{"token": …, "expiry": RFC 3339}
//
// chainguard-dev/sdk 934f495, sts/sts.go.
func (c chainguardRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	if p.Method != regpass.OIDC {
		return keyRef{usual: regpass.Basic, username: chainguardUser}.exchange(ctx, env, t, p)
	}
	const op = "chainguard: exchange the CI identity"
	var got struct {
		Token   string `json:"token"`
		Expires any    `json:"expiry"`
	}
	err := p.withIdentity(ctx, env, "chainguard", t.Audience, func(ctx context.Context, id regpass.Identity) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodPost, URL: apiURL(t.Receiver, "/sts/exchange"),
			Bearer: id.Token, Form: map[string]any{"aud": c.service, "identity": c.identity}}, &got)
	})
	if err != nil {
		return regpass.Credential{}, err
	}
	minted, err := newTokenUntil(env, op, got.Token, got.Expires, date)
	return regpass.Credential{Kind: regpass.Basic, Username: chainguardUser, Secret: minted.secret,
		Expires: minted.expires}, err
}

// trustChainguard lets one job assume a new identity
// (https://www.chainguard.dev/docs/platform/chainctl/chainctl-docs/chainctl_iam_identities_create/).
func trustChainguard(_ *regpass.Env, t Target, j Job) (Trust, error) {
	if err := j.bySubject(t.Row.Name); err != nil {
		return Trust{}, err
	}
	c, _ := t.exchanger.(chainguardRef)
	role := "registry.pull"
	if c.service == chainguardLibraries {
		role = "libraries.python.pull"
	}
	out := Trust{
		Where: "Chainguard's console or chainctl, the identities of your organization",
		Fields: []Field{{"issuer", j.Issuer}, {"subject", j.Subject()}, {"audience", j.Audience},
			{"role", role}},
		Shell: fmt.Sprintf(`chainctl iam identities create regpass-ci --identity-issuer=%s \
  --subject=%s --audience=%s \
  --parent=%s --role=%s --output=id
`, shell(j.Issuer), shell(j.Subject()), shell(j.Audience),
			shell(placeholder("organization")), role),
		Workflow: []Field{{"CHAINGUARD_IDENTITY", known(c.identity, "id that the command prints")}},
	}
	if j.passing() {
		out.Notes = append(out.Notes, "The subject of this CI system changes with every run: give --subject-pattern "+
			"instead of --subject, with a ^ and a $.")
	}
	return out, nil
}
