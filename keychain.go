package regpass

import "context"

// Keychain is where the system keeps a person's secrets, by a service and an account in it. A call may fail in any way,
// and takes no longer than a few seconds.
type Keychain interface {
	// Get reports false if there is no such secret.
	Get(ctx context.Context, service, account string) (Secret, bool, error)
	Set(ctx context.Context, service, account string, secret Secret) error
	// Delete of what is not there is no error.
	Delete(ctx context.Context, service, account string) error
}
