package cli

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/sts"
)

func newServe(a *app) *cobra.Command {
	var path string
	var insecure bool
	cmd := &cobra.Command{
		Use:   "serve --config FILE",
		Short: "Run the token service and gateway",
		Long: `Run the token service and gateway. It exchanges API keys and CI identities for short-lived tokens, and serves
Python indexes and conda channels to whoever has one. It speaks the protocol of pyx, so uv 0.8.15 to 0.12.5 use it
directly (PYX_API_URL). Each decision is one line of JSON on standard error, never with a token. Refresh tokens,
revocations and used identities are kept in memory only: a restart ends logins, and forgets revocations of tokens that
have not expired.

It runs until it is interrupted (Ctrl-C or SIGTERM), so start it in a terminal of its own, or in the background with &.
Without tls_cert it listens on loopback addresses only, unless --insecure says that a proxy before it speaks TLS.`,
		Example: "  regpass serve key new\n  regpass serve --config regpass-serve.toml &",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path == "" {
				return regpass.Hintf(regpass.Usagef("serve: there is no configuration"),
					"name one with --config FILE; the README has an example")
			}
			cfg, err := sts.LoadConfig(path)
			if err != nil {
				return err
			}
			cfg.Insecure = cfg.Insecure || insecure
			return a.serve(cmd.Context(), cfg)
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "configuration `FILE` (TOML)")
	cmd.Flags().BoolVar(&insecure, "insecure", false, "listen without TLS where other machines reach it")
	key := &cobra.Command{
		Use:   "key COMMAND",
		Short: "Make API keys for the service",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	key.AddCommand(&cobra.Command{
		Use:     "new",
		Short:   "Make an API key and print it once; the configuration holds its SHA-256",
		Example: "  regpass serve key new",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			secret, sum := sts.NewKey()
			if _, err := fmt.Fprintln(a.env.Stdout, secret.Reveal()); err != nil {
				return err
			}
			a.say.notef("keep the key now, it is not stored; in the configuration: sha256 = %q", sum)
			return nil
		},
	})
	cmd.AddCommand(key)
	return cmd
}

// serve runs the service until ctx ends.
func (a *app) serve(ctx context.Context, cfg sts.Config) error {
	s, err := sts.New(ctx, cfg, sts.Options{Env: a.env, Audit: a.say})
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings() {
		a.say.line(warningKind, w)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("serve: %w", err), s.Close())
	}
	a.say.notef("serving on %s", l.Addr())
	return errors.Join(s.Serve(ctx, l), s.Close())
}
