package helper

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
)

// keyring is the command line of Python's keyring, in every form in which uv, pip, pdm and pixi use it:
//
//	keyring get SERVICE USER                                     uv, pixi, pip before 26.2
//	keyring get SERVICE --mode creds                             uv without a user
//	keyring --mode=creds --output=json get SERVICE [USER]        pip
//	keyring --mode=creds get SERVICE USER-or-empty               pdm
//
// Without a credential it prints nothing and fails, as the real one does. pip gives up a keyring for the whole run that
// succeeds with anything else.
var keyring = Protocol{
	Name:     "keyring",
	Doc:      "pip, uv, pdm, pixi: the command line of Python's keyring",
	Programs: []string{"keyring"},
	Source:   "https://github.com/jaraco/keyring#command-line-utility",
	Hides:    true,
	Answer:   answerKeyring,
}

// keyringArgs are what a command line of keyring says.
type keyringArgs struct {
	words       []string
	creds, json bool
}

func parseKeyring(args []string) (k keyringArgs, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, value, joined := strings.Cut(arg, "=")
		switch {
		case !strings.HasPrefix(arg, "--"):
			k.words = append(k.words, arg)
			continue
		case name != "--mode" && name != "--output":
			return k, regpass.Usagef("keyring: unrecognized argument") // it may be a secret in the wrong place
		case !joined && len(args) == 0:
			return k, regpass.Usagef("keyring: %s needs a value", name)
		case !joined:
			value, args = args[0], args[1:]
		}
		switch name + "=" + value {
		case "--mode=creds":
			k.creds = true
		case "--output=json":
			k.json = true
		case "--mode=password", "--output=plain":
		default:
			return k, regpass.Usagef("keyring: %s has an unknown value", name)
		}
	}
	return k, nil
}

func answerKeyring(ctx context.Context, c *Call) error {
	k, err := parseKeyring(c.Args)
	if err != nil {
		return err
	}
	if len(k.words) < 2 || len(k.words) > 3 || k.words[0] != "get" {
		return ErrNone // set, del and the like: nothing is kept for the client
	}
	q, err := Ask(k.words[1])
	if err != nil {
		return err
	}
	if len(k.words) == 3 && k.words[2] != "" {
		q.User = k.words[2]
	}
	cred, err := c.Find(ctx, q)
	if err != nil {
		return err
	}
	user, password, err := passwordOf(cred, q)
	if err != nil {
		return err
	}
	var text string
	switch {
	case k.json && k.creds:
		text = jsonLine(map[string]string{"username": user, "password": password})
	case k.json:
		text = jsonLine(map[string]string{"password": password})
	case k.creds:
		text = user + "\n" + password
	default:
		text = password
	}
	_, err = fmt.Fprintln(c.Stdout, text)
	return err
}

// jsonLine writes a value that JSON can hold.
func jsonLine(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // strings and maps of strings cannot fail
	return strings.TrimSpace(b.String())
}
