package identity

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/regpass/regpass"
)

// commandToken runs the command and takes its output. Neither the command, which may hold a secret, nor anything it
// printed becomes part of an error, whatever env.Run puts into its own.
func commandToken(ctx context.Context, env *regpass.Env, audience string) (regpass.Secret, error) {
	command := env.Getenv("REGPASS_ID_TOKEN_COMMAND")
	if command == "" {
		err := regpass.NoIdentityf("REGPASS_ID_TOKEN_COMMAND is not set")
		return regpass.Secret{}, regpass.Hintf(err, "set it:\n%s", commandSetup(audience))
	}
	shell, flag := "sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/c"
	}
	out, err := env.Run(ctx, []string{"REGPASS_AUDIENCE=" + audience}, shell, flag, command)
	if err == nil {
		return regpass.NewSecret(string(out)), nil
	}
	if ctx.Err() != nil {
		return regpass.Secret{}, fmt.Errorf("run REGPASS_ID_TOKEN_COMMAND: %w", ctx.Err())
	}
	why := "the shell did not start"
	var ended interface{ ExitCode() int }
	if errors.As(err, &ended) {
		why = fmt.Sprintf("it ended with exit code %d", ended.ExitCode())
	}
	err = regpass.NoIdentityf("run REGPASS_ID_TOKEN_COMMAND: %s", why)
	return regpass.Secret{}, regpass.Hintf(err, "run the command by hand with REGPASS_AUDIENCE=%s to see what it says", regpass.Quote(audience))
}

func commandSetup(audience string) string {
	return fmt.Sprintf("export REGPASS_ID_TOKEN_COMMAND='…'  # prints an ID token whose aud is $REGPASS_AUDIENCE, here %s, and nothing else", regpass.Quote(audience))
}
