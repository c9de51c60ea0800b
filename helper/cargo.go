package helper

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// cargo is a credential provider of cargo's, version 1 of the protocol: one process for a run, a question a line.
//
//	{"v":[1]}
//	{"v":1,"registry":{"index-url":"sparse+https://…","name":"…"},"kind":"get","operation":"read","args":[]}
//	{"Ok":{"kind":"get","token":"…","cache":"expires","expiration":1700000000,"operation_independent":false}}
//
// cargo sends the token as the header Authorization, so a bearer token brings its word along. It asks for each
// operation, such as the upload of a crate, anew.
var cargo = Protocol{
	Name:     "cargo",
	Doc:      "cargo since 1.74: a credential provider",
	Programs: []string{"cargo-credential-regpass"},
	Source:   "https://doc.rust-lang.org/cargo/reference/credential-provider-protocol.html",
	Answer:   answerCargo,
}

// cargoEarly is how long before the end of a credential cargo asks again, in seconds.
const cargoEarly = 30

type cargoAsked struct {
	V         int
	Kind      string
	Operation string
	Registry  struct {
		IndexURL string `json:"index-url"`
	}
}

func answerCargo(ctx context.Context, c *Call) error {
	if !slices.Contains(c.Args, "--cargo-plugin") {
		return regpass.Usagef("cargo-credential-regpass: cargo runs it, as a credential provider")
	}
	if _, err := fmt.Fprintln(c.Stdout, `{"v":[1]}`); err != nil {
		return err
	}
	lines := bufio.NewScanner(c.Stdin)
	lines.Buffer(nil, maxQuestion)
	for lines.Scan() {
		if _, err := fmt.Fprintln(c.Stdout, jsonLine(c.cargoLine(ctx, lines.Bytes()))); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the question: %w", err)
	}
	return nil
}

// cargoLine answers one question.
func (c *Call) cargoLine(ctx context.Context, line []byte) any {
	var asked cargoAsked
	if err := json.Unmarshal(line, &asked); err != nil || asked.V != 1 {
		return cargoErr("other", errors.New("the question is not version 1 of cargo's protocol"))
	}
	if asked.Kind != "get" { // login and logout are regpass's own
		return cargoErr("operation-not-supported", nil)
	}
	q, err := Ask(strings.TrimPrefix(asked.Registry.IndexURL, "sparse+"))
	var cred regpass.Credential
	if err == nil {
		cred, err = c.Find(ctx, q)
	}
	var token string
	if err == nil {
		token, err = cargoToken(cred, c.Bare != nil && c.Bare(q))
	}
	switch {
	case errors.Is(err, ErrNone):
		return cargoErr("url-not-supported", nil) // the next provider's
	case err != nil:
		return cargoErr("other", err)
	}
	got := map[string]any{"kind": "get", "token": token, "cache": "session", "operation_independent": false}
	if !cred.Expires.IsZero() {
		got["cache"], got["expiration"] = "expires", cred.Expires.Unix()-cargoEarly
	}
	return map[string]any{"Ok": got}
}

// cargoToken is the header that cargo is to send: some registries, as crates.io, want the token alone.
func cargoToken(c regpass.Credential, bare bool) (string, error) {
	if bare && c.Kind != regpass.CondaToken && c.Kind != regpass.S3 {
		return c.Secret.Reveal(), nil
	}
	return headerOf(c)
}

func cargoErr(kind string, err error) any {
	e := map[string]any{"kind": kind}
	if err != nil {
		e["message"], e["caused-by"] = err.Error(), regpass.Hints(err)
	}
	return map[string]any{"Err": e}
}
