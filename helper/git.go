package helper

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// git is a credential helper of git's, which go, cargo, pip, npm and uv run too for what they get from a repository.
// store and erase are ignored: regpass keeps what it made, and a new process asks again.
var git = Protocol{
	Name:     "git",
	Doc:      "git, and the package clients that run it: a credential helper of git's",
	Programs: []string{"git-credential-regpass"},
	Source:   "https://git-scm.com/docs/gitcredentials",
	Answer:   answerGit,
}

// gitAsked is what git says, by key. Keys that end in [] may come several times.
type gitAsked map[string][]string

func (g gitAsked) one(key string) string {
	if all := g[key]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

func parseGit(text []byte) gitAsked {
	asked := gitAsked{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxQuestion+1)
	for lines.Scan() && lines.Text() != "" {
		if key, value, ok := strings.Cut(lines.Text(), "="); ok {
			asked[key] = append(asked[key], value)
		}
	}
	return asked
}

func answerGit(ctx context.Context, c *Call) error {
	if len(c.Args) != 1 || !slices.Contains([]string{"get", "store", "erase"}, c.Args[0]) {
		return regpass.Usagef("git-credential-regpass: one of get, store and erase is needed")
	}
	text, err := c.question()
	if err != nil || c.Args[0] != "get" {
		return err
	}
	asked := parseGit(text)
	q, err := askHost(asked.one("protocol")+"://", asked.one("host"), "/"+strings.TrimPrefix(asked.one("path"), "/"))
	var cred regpass.Credential
	if err == nil {
		q.User = asked.one("username")
		cred, err = c.Find(ctx, q)
	}
	switch {
	case errors.Is(err, ErrNone):
		return nil // git asks the next helper
	case err != nil:
		_, _ = fmt.Fprintln(c.Stdout, "quit=1") // else git would ask a person
		return err
	}
	lines, err := gitAnswer(cred, q, asked)
	if err != nil {
		_, _ = fmt.Fprintln(c.Stdout, "quit=1")
		return err
	}
	_, err = fmt.Fprintln(c.Stdout, strings.Join(lines, "\n"))
	return err
}

// gitAnswer is what git takes: a bearer token as such where git says that it can (since 2.46), otherwise as a password.
func gitAnswer(cred regpass.Credential, q Question, asked gitAsked) (lines []string, err error) {
	if slices.Contains(asked["capability[]"], "authtype") && cred.Kind == regpass.Bearer && cred.Username == "" {
		lines = []string{"capability[]=authtype", "authtype=Bearer", "credential=" + cred.Secret.Reveal(), "ephemeral=1"}
	} else {
		user, password, err := passwordOf(cred, q)
		if err != nil {
			return nil, err
		}
		lines = []string{"username=" + user, "password=" + password}
	}
	if !cred.Expires.IsZero() {
		lines = append(lines, fmt.Sprintf("password_expiry_utc=%d", cred.Expires.Unix()))
	}
	for _, line := range lines {
		if strings.ContainsAny(line, "\n\r\x00") {
			return nil, fmt.Errorf("%s: its credential holds a line break, which git cannot take", cred.Host)
		}
	}
	return lines, nil
}
