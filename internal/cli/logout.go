package cli

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

func newLogout(a *app) *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "Undo what login wrote: restore, revoke, remove",
		Long: `Undo all that was done in this session, also by runs that were killed: put back the files that were changed, revoke
the credentials that were minted and have not expired, and remove the session's folder. What fails is a warning, for
cleaning up must not fail a job.`,
		Example: "  regpass logout",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.session()
			if err != nil {
				a.say.warn(err)
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
	cmd.Flags().DurationVar(&timeout, "timeout", a.set.Timeout, "time `LIMIT` for the whole")
	return cmd
}

// undo takes back what was done in a session and says so.
func (a *app) undo(ctx context.Context, s *session.Session, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	did, warnings := s.Undo(ctx, a.revoke)
	for _, d := range did {
		a.say.notef("%s", d)
	}
	for _, w := range warnings {
		a.say.warn(w)
	}
}

// revoke asks the registry to end a credential. A registry that can't is not worth a warning: the credential ends by
// itself.
func (a *app) revoke(ctx context.Context, l session.Login) (bool, error) {
	endpoint, err := url.Parse(l.Endpoint)
	if err != nil {
		return false, err
	}
	for _, row := range registry.All {
		if row.Name != l.Cred.Registry || row.Revoke == nil {
			continue
		}
		if err := row.Revoke(ctx, a.env, endpoint, l.Cred); err != nil {
			return false, fmt.Errorf("it stays valid until %s: %w", l.Cred.Expires.Format(time.TimeOnly), err)
		}
		return true, nil
	}
	return false, nil
}
