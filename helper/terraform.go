package helper

import (
	"context"
	"errors"
	"fmt"

	"github.com/regpass/regpass"
)

// terraform is a credentials helper of Terraform's and OpenTofu's: `get HOST` prints {"token":"…"}, or {} if there is
// none. Modules and providers are asked for with a bearer token only.
var terraform = Protocol{
	Name:     "terraform",
	Doc:      "terraform and tofu: a credentials helper",
	Programs: []string{"terraform-credentials-regpass"},
	Source:   "https://developer.hashicorp.com/terraform/internals/credentials-helpers",
	Answer:   answerTerraform,
}

func answerTerraform(ctx context.Context, c *Call) error {
	if len(c.Args) < 2 {
		return regpass.Usagef("terraform-credentials-regpass: an action and a host are needed")
	}
	action, host := c.Args[len(c.Args)-2], c.Args[len(c.Args)-1]
	switch action {
	case "get":
	case "store", "forget":
		return fmt.Errorf("regpass keeps no credential for terraform: run `regpass login %s`", regpass.Quote(host))
	default:
		return regpass.Usagef("terraform-credentials-regpass: one of get, store and forget is needed")
	}
	q, err := askHost("", host, "")
	var cred regpass.Credential
	if err == nil {
		cred, err = c.Find(ctx, q)
	}
	answer := map[string]string{}
	switch {
	case errors.Is(err, ErrNone):
	case err != nil:
		return err
	case cred.Kind != regpass.Bearer:
		return fmt.Errorf("%s: terraform takes a bearer token only, and this is a credential of the kind %s", cred.Host,
			cred.Kind)
	default:
		answer["token"] = cred.Secret.Reveal()
	}
	_, err = fmt.Fprintln(c.Stdout, jsonLine(answer))
	return err
}
