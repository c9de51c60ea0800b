package identity

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/regpass/regpass"
)

// commandToken runs the command and takes its output. The command may hold a secret: it becomes part of no error.
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
	token, err := output(ctx, env, "REGPASS_ID_TOKEN_COMMAND", "the shell did not start", []string{"REGPASS_AUDIENCE=" + audience}, shell, flag, command)
	return token, regpass.Hintf(err, "run the command by hand with REGPASS_AUDIENCE=%s to see what it says", regpass.Quote(audience))
}

// output runs a program for the token that it prints. Errors call it what, and say absent where it did not start.
// Nothing that the program printed becomes part of one, whatever env.Run puts into its own.
func output(ctx context.Context, env *regpass.Env, what, absent string, extra []string, name string, args ...string) (regpass.Secret, error) {
	out, err := env.Run(ctx, extra, name, args...)
	if err == nil {
		return regpass.NewSecret(string(out)), nil
	}
	if ctx.Err() != nil {
		return regpass.Secret{}, fmt.Errorf("run %s: %w", what, ctx.Err())
	}
	why := absent
	var ended interface{ ExitCode() int }
	if errors.As(err, &ended) {
		why = fmt.Sprintf("it ended with exit code %d", ended.ExitCode())
	}
	return regpass.Secret{}, regpass.NoIdentityf("run %s: %s", what, why)
}

func commandSetup(audience string) string {
	return fmt.Sprintf("export REGPASS_ID_TOKEN_COMMAND='…'  # prints an ID token whose aud is $REGPASS_AUDIENCE, here %s, and nothing else", regpass.Quote(audience))
}
