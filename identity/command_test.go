package identity_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/identity"
)

const command = `ci-tool token --key hunter2-hunter2`

func TestCommand(t *testing.T) {
	want := []string{"REGPASS_AUDIENCE=pyx", "sh", "-c", command}
	if runtime.GOOS == "windows" {
		want = []string{"REGPASS_AUDIENCE=pyx", "cmd", "/c", command}
	}
	token := sign(t, nil)
	env, masked := surroundings(map[string]string{"REGPASS_ID_TOKEN_COMMAND": command})
	env.Run = func(_ context.Context, extra []string, name string, args ...string) ([]byte, error) {
		if got := append(append(extra, name), args...); !slices.Equal(got, want) {
			t.Errorf("ran %q, want %q", got, want)
		}
		return []byte(token + "\n"), nil
	}
	if got, err := get(t, "command", env); err != nil || got.Token.Reveal() != token ||
		!slices.Equal(*masked, []string{token}) {
		t.Errorf("%v, masked %d", err, len(*masked))
	}
}

func TestCommandBroken(t *testing.T) {
	token := sign(t, nil)
	for _, test := range []struct {
		name, out, text, hint string
		err                   error
	}{
		{"exit code", token, "run REGPASS_ID_TOKEN_COMMAND: it ended with exit code 3", `REGPASS_AUDIENCE="pyx"`,
			fmt.Errorf("%s said %q: %w", command, token, exit(3))},
		{"no shell", "", "the shell did not start", "by hand", fmt.Errorf("%s: %w", command, exec.ErrNotFound)},
		{"silence", "", "the token is empty", "must print an ID token", nil},
		{"two tokens", token + "\n" + token, "0x0a", "nothing else", nil},
		{"10 MB", strings.Repeat(token, 10<<20/len(token)), "more than the 65536", "nothing else", nil},
		{"chatter", "your token is " + token, "0x20", "nothing else", nil},
		{"no token", "Usage:ci-tool", "not a JSON Web Token", "nothing else", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			env, _ := surroundings(map[string]string{"REGPASS_ID_TOKEN_COMMAND": command})
			env.Run = func(context.Context, []string, string, ...string) ([]byte, error) { return []byte(test.out), test.err }
			_, err := get(t, "command", env)
			wants(t, err, regpass.ErrNoIdentity, test.text, test.hint)
			if err != nil {
				holdsNone(t, err, token, command, "hunter2-hunter2")
			}
		})
	}
}

// An interruption is not a missing identity.
func TestCommandInterrupted(t *testing.T) {
	env, _ := surroundings(map[string]string{"REGPASS_ID_TOKEN_COMMAND": command})
	ctx, cancel := context.WithCancel(t.Context())
	env.Run = func(context.Context, []string, string, ...string) ([]byte, error) {
		cancel()
		return nil, errors.New("killed")
	}
	p, err := identity.Find("command")
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Get(ctx, env, "pyx")
	wants(t, err, context.Canceled, "REGPASS_ID_TOKEN_COMMAND", "")
	if errors.Is(err, regpass.ErrNoIdentity) {
		t.Errorf("%v is a missing identity", err)
	}
}

// The shell of this system takes the command and hands it the audience.
func TestCommandInShell(t *testing.T) {
	token := sign(t, nil)
	line := `test "$REGPASS_AUDIENCE" = pyx && echo "$TOKEN"`
	if runtime.GOOS == "windows" {
		line = `if %REGPASS_AUDIENCE%==pyx echo %TOKEN%`
	}
	env, _ := surroundings(map[string]string{"REGPASS_ID_TOKEN_COMMAND": line})
	env.Run = func(ctx context.Context, extra []string, name string, args ...string) ([]byte, error) {
		c := exec.CommandContext(ctx, name, args...)
		c.Env = append(append(os.Environ(), "TOKEN="+token), extra...)
		return c.Output()
	}
	if got, err := get(t, "command", env); err != nil || got.Token.Reveal() != token {
		t.Error(err)
	}
}

// exit is the error of a command that ended with this code, as *exec.ExitError is.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }
func (e exit) ExitCode() int { return int(e) }
