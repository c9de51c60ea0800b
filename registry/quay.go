package registry

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/regpass/regpass"
)

// quay is Quay.io, and with type=quay a Quay of one's own. A robot account that trusts the job's issuer and subject
// gives it a token of an hour.
var quay = Row{
	Name:    "quay",
	Title:   "Quay.io, and Quay on a server of your own",
	Proven:  "a strict fake",
	Doc:     "https://docs.quay.io/glossary/robot-accounts.html",
	Hosts:   []string{"quay.io"},
	Example: "https://quay.io/acme/app",
	Match:   func(_ *regpass.Env, ref regpass.Ref) bool { return ref.URL.Scheme == "https" && ref.Host == "quay.io" },
	Runs:    "Quay",
	Options: []Option{quayRobot},
	OIDC:    true,
	Needs:   []string{quayRobot.Name},
	Images:  true,
	Refusals: []Refusal{ // quay ffba0c7, util/security/federated_robot_auth.py
		{"Invalid robot", "there is no robot account of that name: robot= is ORGANIZATION+NAME"},
		{"does not have federated login configured", "the robot account trusts no issuer yet: set its robot federation"},
		{"not configured for this robot", "the robot's federation lists another issuer; a slash at the end counts"},
		{"Token does not match robot", "the robot's federation lists another subject: sub is compared letter by letter"},
		{"Invalid token", "Quay could not verify the identity: it must reach the issuer, and the clocks must be right"},
	},
	Trust: trustQuay,
	Open:  openQuay,
}

// quayRobot is the robot account.
var quayRobot = Option{Name: "robot", Doc: "robot account that the CI identity is exchanged for: ORGANIZATION+NAME"}

// quayRobotName matches the name of a robot, which is a user name too.
var quayRobotName = regpass.Pattern(`^[a-z0-9][a-z0-9._-]{0,254}\+[a-z0-9][a-z0-9_-]{0,253}$`)

// quayRef is a robot account, which may be unknown.
type quayRef struct{ robot string }

// openQuay knows the audience: Quay looks at none unless it is told to, so it is the host, and an identity is of no use
// elsewhere.
func openQuay(env *regpass.Env, ref regpass.Ref) (Target, error) {
	q := quayRef{robot: quayRobot.value(env, ref)}
	if q.robot != "" && !quayRobotName().MatchString(q.robot) {
		err := regpass.Usagef("robot=%s is not the name of a robot account", regpass.Quote(q.robot))
		return Target{}, regpass.Hintf(err, "it looks like robot=acme+ci")
	}
	return Target{Audience: cmp.Or(ref.Options["audience"], ref.Host), Scope: "as " + q.robot, exchanger: q}, nil
}

// exchange exchanges a CI identity, which stands in for the robot's password. A key is the robot's password.
//
//	GET /oauth2/federation/robot/token   Authorization: Basic base64(ROBOT:ID token)
//	{"token": JWT}
//
// quay ffba0c7, endpoints/oauth/robot_identity_federation.py.
func (q quayRef) exchange(ctx context.Context, env *regpass.Env, t Target, p Proof) (regpass.Credential, error) {
	if p.Method != regpass.OIDC {
		return keyRef{usual: regpass.Basic, username: q.robot}.exchange(ctx, env, t, p)
	}
	const op = "quay: exchange the CI identity"
	var got struct {
		Token string `json:"token"`
	}
	err := p.withIdentity(ctx, env, "quay", t.Audience, func(ctx context.Context, id regpass.Identity) error {
		return env.DoJSON(ctx, regpass.Request{Op: op, Method: http.MethodGet,
			URL:   apiURL(t.Receiver, "/oauth2/federation/robot/token"),
			Basic: regpass.Login{Username: q.robot, Password: id.Token}}, &got)
	})
	if err != nil {
		return regpass.Credential{}, err
	}
	minted, err := newToken(env, op, got.Token)
	return regpass.Credential{Kind: regpass.Basic, Username: q.robot, Secret: minted.secret, Expires: minted.expires}, err
}

// trustQuay lets one job be a robot account.
func trustQuay(_ *regpass.Env, t Target, j Job) (Trust, error) {
	if err := j.bySubject(t.Row.Name); err != nil {
		return Trust{}, err
	}
	q, _ := t.exchanger.(quayRef)
	robot := cmp.Or(q.robot, placeholder("organization")+"+"+placeholder("robot"))
	org, _, _ := strings.Cut(robot, "+")
	out := Trust{
		Where: t.Ref.Host + ", the organization " + org + ", Robot Accounts, the gear beside " + robot +
			", Set robot federation",
		Fields: []Field{{"robot account", robot}, {"issuer URL", j.Issuer}, {"subject", j.Subject()}},
		Documents: []Document{{"robot federation",
			[]map[string]string{{"issuer": j.Issuer, "subject": j.Subject()}}}},
		Notes: []string{"Quay compares the subject as a whole and looks at no audience: an identity of this job for any " +
			"server would do.", "The robot needs the permission Read on the repository. Add robot=" + robot +
			" to the registry."},
	}
	if j.passing() {
		out.Notes = append(out.Notes, passingNote)
	}
	return out, nil
}
