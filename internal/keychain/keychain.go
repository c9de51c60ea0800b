// Package keychain answers "how does this system keep a person's secrets?". Its layout is that of the library which
// rattler uses (https://docs.rs/keyring-core), so that pixi and rattler-build find what we write.
package keychain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/regpass/regpass"
)

// limit is how long one call may take: a keychain that asks a person, or that hangs, must not hold up a build.
const limit = 3 * time.Second

// maxSecret is the longest secret that is read, in bytes.
const maxSecret = 64 << 10

var (
	errLocked = regpass.Hintf(errors.New("it is locked"), "unlock it, as by logging in to the desktop, and try again")
	errLong   = fmt.Errorf("what it holds is longer than %d bytes", maxSecret)
)

// bounded is a keychain that answers in time or not at all.
type bounded struct{ regpass.Keychain }

func (b bounded) Get(ctx context.Context, service, account string) (secret regpass.Secret, found bool, err error) {
	err = inTime(ctx, func(ctx context.Context) error {
		secret, found, err = b.Keychain.Get(ctx, service, account)
		return err
	})
	return secret, found, err
}

func (b bounded) Set(ctx context.Context, service, account string, secret regpass.Secret) error {
	return inTime(ctx, func(ctx context.Context) error { return b.Keychain.Set(ctx, service, account, secret) })
}

func (b bounded) Delete(ctx context.Context, service, account string) error {
	return inTime(ctx, func(ctx context.Context) error { return b.Keychain.Delete(ctx, service, account) })
}

// inTime makes one call, which must end with its context.
func inTime(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := call(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("it did not answer within %s", limit)
	}
	return regpass.Hintf(fmt.Errorf("the keychain: %w", err), "use the file instead: --to rattler")
}
