package helper

import (
	"context"
	"fmt"

	"github.com/regpass/regpass"
)

// pnpm is a tokenHelper of pnpm's. It is started without arguments by pnpm 10, which tells it nothing of what it wants,
// so the host is an argument that only pnpm 11 and later pass on; without one the only registry is meant.
var pnpm = Protocol{
	Name:     "pnpm",
	Doc:      "pnpm: a tokenHelper",
	Programs: []string{"pnpm-credential-regpass"},
	Source:   "https://pnpm.io/npmrc#urltokenhelper",
	Answer:   answerPnpm,
}

func answerPnpm(ctx context.Context, c *Call) error {
	var q Question
	switch len(c.Args) {
	case 0:
	case 1:
		var err error
		if q, err = Ask(c.Args[0]); err != nil {
			return err
		}
	default:
		return regpass.Usagef("pnpm-credential-regpass: at most one registry can be asked for")
	}
	cred, err := c.Find(ctx, q)
	if err != nil {
		return err
	}
	header, err := headerOf(cred)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.Stdout, header)
	return err
}
