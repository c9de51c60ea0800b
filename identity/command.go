package identity

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/regpass/regpass"
)

// commandToken runs the user's command and takes its output. The command may hold a secret, so no error repeats it.
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
	token, err := printedToken(ctx, env, program{
		title: "REGPASS_ID_TOKEN_COMMAND", notStarted: "the shell did not start",
		extra: []string{"REGPASS_AUDIENCE=" + audience}, name: shell, args: []string{flag, command},
	})
	return token, regpass.Hintf(err, "run the command by hand with REGPASS_AUDIENCE=%s to see its messages",
		regpass.Quote(audience))
}

// program is a program that prints a token.
type program struct {
	title      string   // its name in errors
	notStarted string   // the error if it does not start
	extra      []string // NAME=value, added to its environment
	name       string
	args       []string
}

// printedToken runs p and returns the token that it prints. Its errors hold no output of p, even if those of env.Run
// do.
func printedToken(ctx context.Context, env *regpass.Env, p program) (regpass.Secret, error) {
	out, err := env.Run(ctx, p.extra, p.name, p.args...)
	if err == nil {
		return regpass.NewSecret(string(out)), nil
	}
	if ctx.Err() != nil {
		return regpass.Secret{}, fmt.Errorf("run %s: %w", p.title, ctx.Err())
	}
	why := p.notStarted
	var ended interface{ ExitCode() int }
	if errors.As(err, &ended) {
		why = fmt.Sprintf("it ended with exit code %d", ended.ExitCode())
	}
	return regpass.Secret{}, regpass.NoIdentityf("run %s: %s", p.title, why)
}

func commandSetup(audience string) string {
	const format = "export REGPASS_ID_TOKEN_COMMAND='…'" +
		"  # must print an ID token whose aud is $REGPASS_AUDIENCE, here %s, and nothing else"
	return fmt.Sprintf(format, regpass.Quote(audience))
}
