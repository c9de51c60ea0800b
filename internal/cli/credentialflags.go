package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/session"
)

// credentialFlags are the flags of every verb that gets credentials.
type credentialFlags struct {
	options                               broker.Options
	tokenStdin, condaStdin, passwordStdin bool
	username                              string
}

func (f *credentialFlags) add(a *app, cmd *cobra.Command) {
	fl, o := cmd.Flags(), &f.options
	fl.StringVar(&o.Provider, "provider", a.set.Provider, "CI system to take the identity from, by its `NAME` in `regpass help identities`")
	fl.DurationVar(&o.Timeout, "timeout", a.set.Timeout, "time `LIMIT` for getting a credential, retries included")
	fl.DurationVar(&o.MinLifetime, "min-lifetime", a.set.MinLifetime,
		"replace a credential that has less than this `TIME` left, where the registry's live over four times as long")
	fl.BoolVar(&f.tokenStdin, "token-stdin", false, "read the registry's token or API key from standard input")
	fl.BoolVar(&f.condaStdin, "conda-token-stdin", false, "read a conda token (https://host/t/TOKEN/…) from standard input")
	fl.StringVar(&f.username, "username", "", "user `NAME` for --password-stdin or REGPASS_API_KEY")
	fl.BoolVar(&f.passwordStdin, "password-stdin", false, "read the password for --username from standard input")
	cmd.MarkFlagsMutuallyExclusive("token-stdin", "conda-token-stdin", "password-stdin")
	var providers []string
	for _, known := range identity.Providers {
		providers = append(providers, known.Name)
	}
	complete(cmd, "provider", providers)
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if o.Timeout <= 0 {
			return regpass.Usagef("%s: --timeout must be more than nothing", cmd.Name())
		}
		return nil
	}
}

// stdin is the flag that reads a secret from standard input, and how the secret is presented; "" where none is given.
func (f *credentialFlags) stdin() (flag string, kind regpass.Kind) {
	switch {
	case f.tokenStdin:
		return "--token-stdin", ""
	case f.condaStdin:
		return "--conda-token-stdin", regpass.CondaToken
	case f.passwordStdin:
		return "--password-stdin", regpass.Basic
	}
	return "", ""
}

// broker reads the secret that a flag promises on standard input. s may be nil: then nothing is kept.
func (f *credentialFlags) broker(a *app, s *session.Session) (*broker.Broker, error) {
	o := f.options
	flag, kind := f.stdin()
	if f.passwordStdin && f.username == "" {
		return nil, regpass.Hintf(regpass.Usagef("--password-stdin needs --username"), "for a token without a user name there is --token-stdin")
	}
	o.Given = broker.Given{From: flag, Kind: kind, Username: f.username}
	if flag != "" {
		raw, err := regpass.ReadAll(a.env.Stdin, broker.MaxKey)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		o.Given.Secret = regpass.SecretLine(string(raw))
	}
	return broker.New(a.env, s, o, a.say), nil
}
