package builder

import (
	"strings"

	"github.com/regpass/regpass"
)

// daemonError is an error with the words of a daemon, quoted.
type daemonError struct{ error }

// Error leaves out the words that gRPC puts before the reason of a failed connection.
func (f daemonError) Error() string {
	text := f.error.Error()
	for _, before := range []string{"Error while dialing: ", "authentication handshake failed: "} {
		if _, reason, ok := strings.Cut(text, before); ok {
			text = strings.TrimSuffix(reason, `"`)
		}
	}
	return regpass.Quote(text)
}

func (f daemonError) Unwrap() error { return f.error }

// shown returns an error that quotes and wraps err.
func shown(err error) error { return daemonError{err} }
