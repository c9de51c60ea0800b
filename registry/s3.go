package registry

import (
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/aws"
)

var s3 = Row{
	Name:    "s3",
	Title:   "channels in s3 buckets",
	Proven:  "py-rattler",
	Conda:   true,
	Doc:     "https://pixi.prefix.dev/latest/deployment/s3/",
	Hosts:   []string{"s3://BUCKET"},
	Example: "s3://acme-channel/conda",
	Match:   func(_ *regpass.Env, ref regpass.Ref) bool { return ref.URL.Scheme == "s3" },
	AnyHost: true,
	Proofs: []Source{{Method: regpass.APIKey, Vars: aws.Vars, Parts: 2, Read: readAWS,
		Doc: "AWS credentials; the session token may be missing"}},
	Options: keyOptions,
	Open:    openKey(regpass.S3),
}

func readAWS(env *regpass.Env, _ Target) (Proof, bool, error) {
	id, key, session := env.Getenv(aws.Vars[0]), env.Getenv(aws.Vars[1]), env.Getenv(aws.Vars[2])
	if id == "" || key == "" {
		return Proof{}, false, nil
	}
	return Proof{Method: regpass.APIKey, From: aws.Vars[0], Secret: regpass.NewSecret(key), Kind: regpass.S3,
		Username: id, SessionToken: regpass.NewSecret(session)}, true, nil
}

// s3Key checks the three parts of an AWS credential. The session token may be missing.
func s3Key(cred *regpass.Credential, p Proof) error {
	id, err := regpass.ParseToken(cred.Username)
	if err != nil {
		return regpass.Hintf(fmt.Errorf("the access key id: %w", err), "set AWS_ACCESS_KEY_ID too")
	}
	cred.Username = id.Reveal() // not secret: every signed URL shows it
	if !p.SessionToken.Empty() {
		if cred.SessionToken, err = regpass.ParseToken(p.SessionToken.Reveal()); err != nil {
			return fmt.Errorf("the session token: %w", err)
		}
	}
	cred.Secret, err = regpass.ParseToken(p.Secret.Reveal())
	return err
}
