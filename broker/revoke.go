package broker

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/registry"
	"github.com/regpass/regpass/session"
)

// Revoke returns the session.Revoke that asks the registry to end a credential. A registry that can't is not worth a
// warning: the credential ends by itself.
func Revoke(env *regpass.Env) session.Revoke {
	return func(ctx context.Context, l session.Lease) (bool, error) {
		at, err := url.Parse(l.Revoker)
		if err != nil {
			return false, err
		}
		for _, row := range registry.All {
			if row.Name != l.Cred.Registry || row.Revoke == nil {
				continue
			}
			err := row.Revoke(ctx, env, at, l.Cred)
			if errors.Is(err, registry.ErrEndsItself) {
				return false, nil
			}
			if err != nil {
				return false, fmt.Errorf("it stays valid until %s: %w", l.Cred.Expires.Format(time.TimeOnly), err)
			}
			return true, nil
		}
		return false, nil
	}
}

// RevokeNow ends a credential that nobody will use, also when ctx has ended.
func (b *Broker) RevokeNow(ctx context.Context, l session.Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.options.Timeout)
	defer cancel()
	if _, err := Revoke(b.env)(ctx, l); err != nil {
		b.report.Warn(fmt.Errorf("revoke the credential for %s: %w", l.Cred.Host, err))
	}
}
