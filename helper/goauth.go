package helper

import (
	"context"
	"errors"
	"fmt"

	"github.com/regpass/regpass"
)

// goauth is a command of GOAUTH. go asks without arguments before its first request, and with a URL after each that was
// refused, with the answer on standard input. It shows no errors, so without a credential the answer is empty.
//
//	https://host/prefix
//
//	Authorization: Bearer TOKEN
//
// The first question gets no answer: which of our registries go will use is not known yet.
var goauth = Protocol{
	Name:     "goauth",
	Doc:      "go since 1.24: a command of GOAUTH",
	Programs: []string{"goauth-regpass"},
	Source:   "https://pkg.go.dev/cmd/go#hdr-GOAUTH_environment_variable",
	Answer:   answerGo,
}

func answerGo(ctx context.Context, c *Call) error {
	if len(c.Args) == 0 {
		return nil
	}
	q, err := Ask(c.Args[len(c.Args)-1])
	var cred regpass.Credential
	if err == nil {
		cred, err = c.Find(ctx, q)
	}
	if errors.Is(err, ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	header, err := headerOf(cred)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Stdout, "https://%s/\n\nAuthorization: %s\n\n", q.Host, header)
	return err
}
