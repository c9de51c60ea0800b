// Package helper answers "how does a client ask for a credential?". Each protocol in which a package client asks
// another program is a row of All, in a file of its own. It knows nothing of registries: Call.Find does.
package helper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// Protocol is one way in which clients ask.
type Protocol struct {
	Name     string   // of `regpass helper NAME`
	Doc      string   // one line of help: who speaks it
	Programs []string // the names by which clients start the program that they ask
	Source   string   // URL of the protocol's description
	// Hides says that other programs have the name too, and that ours lies before them on PATH: what is not ours is
	// theirs to answer.
	Hides bool

	// Answer reads one run's questions and answers them on Call.Stdout, where nothing but the protocol may be written.
	// ErrNone, wrapped or not, means that the protocol's "not found" was answered or is a failed exit alone.
	Answer func(ctx context.Context, c *Call) error
}

// All are the protocols, in the order in which help shows them.
var All = []Protocol{keyring, docker, git, cargo, goauth, bazel, pnpm, terraform}

// Find returns the protocol of that name. The error is regpass.ErrUsage and lists the names.
func Find(name string) (Protocol, error) {
	return regpass.Pick("helper", name, All, func(p Protocol) string { return p.Name })
}

// Started returns the protocol that a program's path, its argument 0, asks for; ok is false for any other program.
func Started(program string) (p Protocol, ok bool) {
	name := strings.TrimSuffix(filepath.Base(program), ".exe")
	i := slices.IndexFunc(All, func(p Protocol) bool { return slices.Contains(p.Programs, name) })
	if i < 0 {
		return Protocol{}, false
	}
	return All[i], true
}

// Call is one run of a helper.
type Call struct {
	Args   []string // behind the program's name
	Stdin  io.Reader
	Stdout io.Writer
	// Find gets the credential for what the client asks. The error is ErrNone if no registry of ours is meant, and any
	// other says why its credential cannot be had.
	Find func(ctx context.Context, q Question) (regpass.Credential, error)
	// Bare reports whether cargo is to send the token of the registry that is meant as it is, without a scheme before it;
	// nil: none.
	Bare func(q Question) bool
}

// ErrNone means that there is no credential for what a client asks: it is not a registry of ours.
var ErrNone = errors.New("there is no credential")

// maxQuestion limits what a client may write, in bytes.
const maxQuestion = 64 << 10

// question reads all that a client writes.
func (c *Call) question() ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(c.Stdin, maxQuestion+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the question: %w", err)
	case len(text) > maxQuestion:
		return nil, fmt.Errorf("the question is longer than %d bytes", maxQuestion)
	}
	return text, nil
}

// passwordOf is the user name and the password for a client that only knows these. A bearer token without a user name
// is a password for the user that the client names.
func passwordOf(c regpass.Credential, q Question) (user, password string, err error) {
	switch {
	case c.Kind != regpass.Basic && c.Kind != regpass.Bearer:
		return "", "", fmt.Errorf("%s: a client that asks for a user name and a password takes no credential of the kind %s",
			c.Host, c.Kind)
	case c.Username != "" || c.Kind == regpass.Basic:
		return c.Username, c.Secret.Reveal(), nil
	case q.User != "":
		return q.User, c.Secret.Reveal(), nil
	}
	return "", "", regpass.Hintf(fmt.Errorf("%s: its token has no user name, and the client takes none without", c.Host),
		"add username=__token__ or the name that the server wants to the registry")
}

// headerOf is the value of the header Authorization.
func headerOf(c regpass.Credential) (string, error) {
	if value := c.Authorization(); value != "" {
		return value, nil
	}
	return "", fmt.Errorf("%s: no header carries a credential of the kind %s", c.Host, c.Kind)
}
