package helper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/regpass/regpass"
)

// bazel is the credential helper of bazel, which `uv auth helper --protocol=bazel` speaks too.
//
//	{"uri":"https://host/path"}
//	{"headers":{"Authorization":["Bearer TOKEN"]},"expires":"2006-01-02T15:04:05Z"}
var bazel = Protocol{
	Name:     "bazel",
	Doc:      "bazel: a credential helper",
	Programs: []string{"bazel-credential-regpass"},
	Source:   "https://github.com/EngFlow/credential-helper-spec",
	Answer:   answerBazel,
}

func answerBazel(ctx context.Context, c *Call) error {
	if len(c.Args) != 1 || c.Args[0] != "get" {
		return regpass.Usagef("bazel-credential-regpass: get is needed")
	}
	text, err := c.question()
	if err != nil {
		return err
	}
	var asked struct{ URI string }
	if err := json.Unmarshal(text, &asked); err != nil || asked.URI == "" {
		return errors.New("the question is not JSON with a uri")
	}
	answer := struct {
		Headers map[string][]string `json:"headers"`
		Expires string              `json:"expires,omitempty"`
	}{Headers: map[string][]string{}}
	q, err := Ask(asked.URI)
	var cred regpass.Credential
	if err == nil {
		cred, err = c.Find(ctx, q)
	}
	if err != nil && !errors.Is(err, ErrNone) {
		return err
	}
	if err == nil {
		header, err := headerOf(cred)
		if err != nil {
			return err
		}
		answer.Headers["Authorization"] = []string{header}
		if !cred.Expires.IsZero() {
			answer.Expires = cred.Expires.UTC().Format(time.RFC3339)
		}
	}
	_, err = fmt.Fprintln(c.Stdout, jsonLine(answer))
	return err
}
