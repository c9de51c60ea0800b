package registry

import (
	"slices"

	"github.com/regpass/regpass"
)

// gemfury takes its token as a bearer token for npm packages, and everywhere else as the user name of Basic
// authentication. User names are shown: by clients in their logs, by regpass in its reports. So such a credential is
// refused. What everyone may read there needs none, and only a host that a person names is asked about.
var gemfury = Row{
	Name:    "gemfury",
	Title:   "Gemfury, for npm packages",
	Proven:  "documentation",
	Doc:     "https://gemfury.com/help/getting-started",
	Pages:   []string{"gemfury.com"},
	Hosts:   gemfuryNPM,
	Example: "https://npm.fury.io/acme/",
	Match:   func(_ *regpass.Env, ref regpass.Ref) bool { return inDomain(ref.Host, "fury.io") },
	AnyHost: true,
	Proofs:  []Source{{Method: regpass.APIKey, Vars: []string{"GEMFURY_TOKEN", "FURY_TOKEN"}}},
	Open:    openGemfury,
}

var gemfuryNPM = []string{"npm.fury.io", "npm-proxy.fury.io"}

func openGemfury(_ *regpass.Env, ref regpass.Ref) (Target, error) {
	if !slices.Contains(gemfuryNPM, ref.Host) {
		err := regpass.Usagef("gemfury: %s takes a token only as the user name, which clients and logs show",
			regpass.Quote(ref.Host))
		return Target{}, regpass.Hintf(err, "write it into the client's own settings, by hand, "+
			"or use another index: npm packages at https://npm.fury.io/ take a bearer token")
	}
	return Target{exchanger: keyRef{usual: regpass.Bearer}}, nil
}
