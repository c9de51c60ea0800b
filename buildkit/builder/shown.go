package builder

import (
	"strings"

	"github.com/regpass/regpass"
)

// daemonError is an error with a daemon's words in it, which are quoted.
type daemonError struct{ error }

// Error leaves out what gRPC puts before the reason why a connection could not be made.
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

// shown makes an error that quotes err and still is it.
func shown(err error) error { return daemonError{err} }
