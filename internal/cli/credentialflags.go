package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/identity"
	"github.com/regpass/regpass/session"
)

// credentialFlags are the flags of every command that gets credentials.
type credentialFlags struct {
	options                               broker.Options
	tokenStdin, condaStdin, passwordStdin bool
	username                              string
	noUser                                func() bool // --username is given, and empty
	unavailable                           string      // --if-unavailable
}

func (f *credentialFlags) add(a *app, cmd *cobra.Command) {
	fl, o := cmd.Flags(), &f.options
	fl.StringVar(&o.Provider, "provider", a.set.Provider,
		"take the identity from the CI system with this `NAME`, see `regpass help identities`")
	fl.DurationVar(&o.Timeout, "timeout", a.set.Timeout, "time `LIMIT` for getting a credential, retries included")
	fl.DurationVar(&o.Least.Time, "min-lifetime", a.set.MinLifetime,
		"replace a credential that has less than this `TIME` left, if it lives over four times as long")
	fl.BoolVar(&f.tokenStdin, "token-stdin", false, "read the registry's token or API key from standard input")
	fl.BoolVar(&f.condaStdin, "conda-token-stdin", false,
		"read a conda token (https://host/t/TOKEN/…) from standard input")
	fl.StringVar(&f.username, "username", "",
		"user `NAME` that goes with --password-stdin or REGPASS_API_KEY; '' for a password without one")
	f.noUser = func() bool { return fl.Changed("username") && f.username == "" }
	fl.BoolVar(&f.passwordStdin, "password-stdin", false, "read the password for --username from standard input")
	var providers []string
	for _, known := range identity.Providers {
		providers = append(providers, known.Name)
	}
	complete(cmd, "provider", providers)
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if o.Timeout <= 0 {
			return regpass.Usagef("%s: --timeout must be more than 0", cmd.Name())
		}
		if _, err := unavailableMode(f.unavailable); err != nil || o.Provider == "" {
			return err
		}
		_, err := identity.Find(o.Provider) // also where the registry takes no identity
		return err
	}
	oneOf(cmd, "token-stdin", "conda-token-stdin", "password-stdin")
}

// stdinKinds names for people what the flags read.
var stdinKinds = map[string]string{"--token-stdin": "the token or API key", "--conda-token-stdin": "the conda token",
	"--password-stdin": "the password"}

// stdin returns the flag that reads a secret from standard input, and how the secret is presented. Both are empty if no
// such flag is given.
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

// leases gets the credentials for the registries, and returns the session that keeps them.
func (f *credentialFlags) leases(ctx context.Context, a *app, refs []regpass.Ref) (
	*session.Session, []broker.Lease, error) {
	s, b, err := f.open(ctx, a)
	if err != nil {
		return nil, nil, err
	}
	all, missing, err := f.obtain(ctx, a, b, refs)
	if err == nil {
		err = missing
	}
	return s, all, err
}

// obtain gets the credentials for the registries; see app.obtain.
func (f *credentialFlags) obtain(
	ctx context.Context, a *app, b *broker.Broker, refs []regpass.Ref,
) (all []broker.Lease, missing, err error) {
	mode, err := unavailableMode(f.unavailable)
	if err != nil {
		return nil, nil, err
	}
	return a.obtain(ctx, b, refs, mode)
}

// open starts the session, or joins the one of an earlier step, and returns a broker for it.
func (f *credentialFlags) open(ctx context.Context, a *app) (*session.Session, *broker.Broker, error) {
	s, err := a.startSession(ctx, f.options.Timeout)
	if err != nil {
		return nil, nil, err
	}
	b, err := f.broker(ctx, a, s)
	return s, b, err
}

// broker returns a broker for the session. It reads the secret from standard input if a flag says so. s may be nil:
// then no credential is kept.
func (f *credentialFlags) broker(ctx context.Context, a *app, s *session.Session) (*broker.Broker, error) {
	o := f.options
	flag, kind := f.stdin()
	if f.passwordStdin && f.username == "" && !f.noUser() {
		return nil, regpass.Hintf(regpass.Usagef("--password-stdin needs --username"),
			"use --token-stdin for a token without a user name, or --username '' for a password without one")
	}
	o.Given = broker.Given{From: flag, Kind: kind, Username: f.username, NoUser: f.noUser()}
	if flag != "" {
		secret, err := a.readSecret(ctx, stdinKinds[flag], broker.MaxKey)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		if secret.Empty() {
			return nil, regpass.Hintf(regpass.NoIdentityf("%s: %s is empty", flag, stdinKinds[flag]),
				"standard input held nothing: look at the variable or the file that it comes from")
		}
		o.Given.Secret = secret
	}
	return broker.New(a.env, s, o, a.say), nil
}
