package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/session"
)

func newLogout(a *app) *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "Undo what login wrote: restore, revoke, remove",
		Long: `Undo everything that was done in this session, even by runs that were killed: put back the files that were
changed, revoke the credentials that were minted and have not expired, and remove the session's folder. A failure is
only a warning, so that the clean-up fails no job.`,
		Example: "  regpass logout",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := session.Current(a.env)
			if err != nil {
				a.say.Warn(err)
				return nil
			}
			if s == nil {
				a.say.notef("there is no session, so there is nothing to undo")
				return nil
			}
			a.undo(cmd.Context(), s, timeout)
			return nil
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", a.set.Timeout, "time `LIMIT` for the whole clean-up")
	return cmd
}

// undo undoes everything that was done in a session, and prints what it did.
func (a *app) undo(ctx context.Context, s *session.Session, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	did, warnings := s.Undo(ctx, broker.Revoke(a.env))
	for _, d := range did {
		a.say.notef("%s", d)
	}
	for _, w := range warnings {
		a.say.Warn(w)
	}
}
