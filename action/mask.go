package action

import (
	"fmt"
	"io"
	"slices"
	"strings"

	githubactions "github.com/sethvargo/go-githubactions"

	"github.com/regpass/regpass"
)

// shortestMask is the length of the shortest line that is masked, in bytes: masks of shorter ones make a runner's log
// unreadable (https://github.com/actions/runner/issues/326).
const shortestMask = 4

// Mask has the runner that reads w hide a secret. A runner masks line by line, so a secret of several lines is masked
// by line (CVE-2021-32074). GitHub's runner derives the forms in which logs show a secret by itself: base64 at all
// three shifts, URL-encoded, quoted and as JSON (actions/runner, ValueEncoders.cs). A command for each form would be
// one more line that shows it where the command is not obeyed, so only the runners of derivesNothing get them. A
// failure to write is the only error.
func Mask(w io.Writer, s regpass.Secret, getenv func(string) string) error {
	for line := range strings.Lines(s.Reveal()) {
		line = strings.TrimSpace(line)
		if len(line) < shortestMask {
			continue
		}
		forms := []string{line}
		if derivesNothing(getenv) {
			forms = regpass.Derived(regpass.NewSecret(line))
		}
		for _, form := range forms {
			if err := command(w, "add-mask", nil, form); err != nil {
				return err
			}
		}
	}
	return nil
}

// derivesNothing reports whether the runner speaks GitHub's commands and hides only the very text of a mask: act, and
// those of Gitea and Forgejo, which are built on it.
func derivesNothing(getenv func(string) string) bool {
	return slices.ContainsFunc([]string{"ACT", "GITEA_ACTIONS", "FORGEJO_ACTIONS"}, func(name string) bool {
		return getenv(name) == "true"
	})
}

// MaskIn masks every word of text that contains a secret in any form. Masking only the token would leave the ends of
// base64("user:token") visible. White space and quotes separate words. A failure to write is the only error.
func MaskIn(w io.Writer, text regpass.Secret, secrets *regpass.Redactor) error {
	seen := map[string]bool{}
	separator := func(r rune) bool { return r <= ' ' || r == '"' || r == '\'' }
	for _, word := range strings.FieldsFunc(text.Reveal(), separator) {
		rest := string(secrets.Redact([]byte(word)))
		if rest == word || rest == "***" || seen[word] { // it holds no secret, or nothing besides
			continue
		}
		seen[word] = true
		if err := command(w, "add-mask", nil, word); err != nil {
			return err
		}
	}
	return nil
}

// command writes one workflow command, with the library's escaping.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func command(w io.Writer, name string, properties map[string]string, data string) error {
	c := githubactions.Command{Name: name, Properties: properties, Message: data}
	if _, err := io.WriteString(w, c.String()+"\n"); err != nil {
		return fmt.Errorf("action: %s: %w", name, err)
	}
	return nil
}
