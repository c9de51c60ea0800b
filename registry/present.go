package registry

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// Rows for services without a row of their own say by options how a credential is presented.

// bearerOrBasic is the option kind= of a token that a server gave.
var bearerOrBasic = Option{Name: "kind", Doc: "how it is presented; basic if there is a user name",
	Values: []string{string(regpass.Bearer), string(regpass.Basic)}}

// present makes a credential of what a server gave, as the options username= and kind= say.
func (t Target) present(got token, username string) (regpass.Credential, error) {
	username = cmp.Or(t.Ref.Options["username"], username)
	kind := regpass.Kind(t.Ref.Options["kind"])
	if kind == "" && username != "" {
		kind = regpass.Basic
	}
	if strings.Contains(username, ":") || !graphic(username) {
		return regpass.Credential{}, fmt.Errorf("%s: the user name holds a colon or a control character", t.Row.Word())
	}
	if kind = cmp.Or(kind, regpass.Bearer); kind == regpass.Bearer {
		if _, err := regpass.ParseToken(got.secret.Reveal()); err != nil {
			return regpass.Credential{}, fmt.Errorf("%s: %w", t.Row.Word(), err)
		}
	}
	return regpass.Credential{Kind: kind, Username: username, Secret: got.secret, Refresh: got.refresh,
		Expires: got.expires}, nil
}

// scopeOf is the host and all options of ref that can make two of its credentials different.
func scopeOf(ref regpass.Ref) string {
	words := []string{"read", ref.Host}
	for _, name := range slices.Sorted(maps.Keys(ref.Options)) {
		if name != "name" && name != "ports" && name != "type" {
			words = append(words, name+"="+ref.Options[name])
		}
	}
	return strings.Join(words, " ")
}
