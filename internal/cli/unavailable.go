package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
	"github.com/regpass/regpass/broker"
)

// addUnavailable adds --if-unavailable, which says as the action's input does how a run goes on that can have no
// credential.
func (f *credentialFlags) addUnavailable(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.unavailable, "if-unavailable", "", "if there is no credential for a registry, `DO` this: "+
		"fail, warn or skip; by default warn if only the checkout names it, and otherwise fail")
	complete(cmd, "if-unavailable", regpass.Names(unavailableModes, modeName))
}

var unavailableModes = []action.Unavailable{action.Fail, action.Warn, action.Skip}

func modeName(u action.Unavailable) string { return string(u) }

// unavailableMode reads the flag's value. It is empty if the flag is not given.
func unavailableMode(text string) (action.Unavailable, error) {
	if text == "" {
		return "", nil
	}
	return regpass.Pick("--if-unavailable", text, unavailableModes, modeName)
}

// isUnavailable reports whether nobody here has a credential, as in a fork's job. Anything else that goes wrong ends a
// run whatever --if-unavailable says.
func isUnavailable(err error) bool {
	return errors.Is(err, regpass.ErrNoIdentity) || errors.Is(err, broker.ErrNoKey)
}

// obtain gets a credential for each registry. One that can have none is left out as the mode says. In the mode "" that
// is said for one that only the checkout names and nobody has a key for: it may be public. If none is left, missing is
// the error of the first one that was left out in that way.
func (a *app) obtain(
	ctx context.Context, b *broker.Broker, refs []regpass.Ref, mode action.Unavailable,
) (all []broker.Lease, missing, err error) {
	for _, ref := range refs {
		l, err := b.Credential(ctx, ref)
		switch {
		case err == nil:
			all = append(all, l)
		case !isUnavailable(err):
			return nil, nil, err
		case mode == action.Warn:
			a.say.Warn(err)
		case mode == action.Skip:
			a.say.notef("%v", err)
		case mode == "" && !ref.Trusted && errors.Is(err, broker.ErrNoKey):
			if missing != nil {
				a.say.Warn(missing)
			}
			missing = err
		default:
			return nil, nil, err
		}
	}
	if len(all) > 0 && missing != nil {
		a.say.Warn(missing)
		missing = nil
	}
	return all, missing, nil
}
