package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/demo"
)

func newDemo(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the whole flow on this machine; needs no account",
		Long: `Show the whole flow on this machine, over loopback only: a token service with a private index, a CI system that
issues ID tokens, and a job. Each client found here is refused without a credential and served with one. After the
logout nothing is left.`,
		Example: "  regpass demo",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo.Run(cmd.Context(), a.env, func(ctx context.Context, env *regpass.Env, args []string) int {
				return Main(ctx, env, "", append([]string{"regpass"}, args...))
			})
		},
	}
}
