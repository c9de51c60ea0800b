package registry

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// A server that runs `regpass serve` is any server by its host: without type=pyx, its key would be handed on as it is,
// and it takes no key. What a server says of itself is only a hint: it must not choose what it is sent.

// serveKey begins the API keys of `regpass serve`.
const serveKey = "sk-regpass-"

// whatIsTimeout bounds the question to a server, which is asked only when there is an error to explain.
const whatIsTimeout = 3 * time.Second

// WhatIs asks the server of t which protocol it speaks, without a credential, and returns that as a value of type=. It
// is empty if the server does not say, if t has a kind already, or if no person named the server.
func (t Target) WhatIs(ctx context.Context, env *regpass.Env) string {
	if _, typed := t.Ref.Options["type"]; typed || t.Row.Name != Static || !t.Ref.Trusted {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, whatIsTimeout)
	defer cancel()
	var said struct{ Type string }
	r := regpass.Request{Op: "ask the server what it is", Method: http.MethodGet,
		URL: apiURL(t.Receiver, "/.well-known/regpass")}
	if err := env.DoJSON(ctx, r, &said); err != nil {
		return ""
	}
	i := slices.IndexFunc(All, func(r Row) bool { return r.Name == said.Type && r.Exchanges })
	if i < 0 {
		return ""
	}
	return All[i].Name
}

// AddType is the hint to add type=.
func (t Target) AddType(name string) string {
	return "add type=" + name + ": `" + t.Ref.Args() + " type=" + name + "`"
}

// checkServeKey refuses to hand on a key of `regpass serve` as if it were a token.
func (t Target) checkServeKey(p Proof) error {
	_, kind := t.Ref.Options["kind"]
	if t.Row.Name != Static || kind || !strings.HasPrefix(p.Secret.Reveal(), serveKey) {
		return nil
	}
	err := regpass.Usagef("it is a key of `regpass serve`, which is exchanged for a token and never sent as one")
	return regpass.Hintf(err, "%s", t.AddType(pyx.Name))
}
