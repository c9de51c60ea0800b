package keychain

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
)

// security is macOS's keychain by way of its own program. The secret goes over the program's standard input, where it
// reads commands, and comes back over its standard output; nothing of it is an argument. It was not run by us.
type security struct {
	// run runs /usr/bin/security with the arguments and this standard input. code is its exit code.
	run func(ctx context.Context, stdin string, args ...string) (stdout string, code int, err error)
}

// maxCommand is the length of the longest line that `security -i` reads, in bytes
// (https://github.com/apple-oss-distributions/SecurityTool, security.c, MAX_LINE_LEN).
const maxCommand = 4096

// notThere is errSecItemNotFound as an exit code (https://www.osstatus.com/search/results?search=-25300).
const notThere = 44

func (s security) Get(ctx context.Context, service, account string) (regpass.Secret, bool, error) {
	out, code, err := s.run(ctx, "", "find-generic-password", "-s", service, "-a", account, "-w")
	switch {
	case err != nil:
		return regpass.Secret{}, false, errors.New("/usr/bin/security could not be run")
	case code == notThere:
		return regpass.Secret{}, false, nil
	case code != 0:
		return regpass.Secret{}, false, fmt.Errorf("/usr/bin/security ended with %d", code)
	case len(out) > maxSecret:
		return regpass.Secret{}, false, errLong
	}
	return regpass.NewSecret(strings.TrimSuffix(out, "\n")), true, nil
}

func (s security) Set(ctx context.Context, service, account string, secret regpass.Secret) error {
	var words []string
	for _, word := range []string{"add-generic-password", "-U", "-s", service, "-a", account, "-w", secret.Reveal()} {
		quoted, err := securityWord(word)
		if err != nil {
			return err
		}
		words = append(words, quoted)
	}
	command := strings.Join(words, " ") + "\n"
	if len(command) > maxCommand {
		return fmt.Errorf("the credential is too long for /usr/bin/security, which reads %d bytes", maxCommand)
	}
	_, code, err := s.run(ctx, command, "-i")
	if err != nil || code != 0 {
		return fmt.Errorf("/usr/bin/security ended with %d", code)
	}
	return nil
}

func (s security) Delete(ctx context.Context, service, account string) error {
	_, code, err := s.run(ctx, "", "delete-generic-password", "-s", service, "-a", account)
	if err != nil || code != 0 && code != notThere {
		return fmt.Errorf("/usr/bin/security ended with %d", code)
	}
	return nil
}

// securityWord quotes a word for `security -i`: a backslash keeps the next character, also between double quotes
// (SecurityTool, security.c, split_line).
func securityWord(word string) (string, error) {
	if strings.ContainsAny(word, "\r\n\x00") {
		return "", errors.New("it holds a line break, which /usr/bin/security cannot read")
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word) + `"`, nil
}
