package keychain

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// New returns the keychain of the system.
func New(func(string) string) regpass.Keychain { return bounded{security{run: runSecurity}} }

func runSecurity(ctx context.Context, stdin string, args ...string) (string, int, error) {
	c := exec.CommandContext(ctx, "/usr/bin/security", args...)
	c.WaitDelay = time.Second
	c.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	c.Stdout = &out
	err := c.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return "", ended.ExitCode(), nil
	}
	return out.String(), 0, err
}
