package registry

import "github.com/regpass/regpass"

// quetz is mamba-org's server of conda channels, which anybody may run. It takes its key in the header X-API-Key, which
// no client of channels sends, and in the path: https://HOST/t/KEY/get/CHANNEL (quetz/main.py).
var quetz = Row{
	Name:    "quetz",
	Title:   "Quetz",
	Proven:  "documentation",
	Conda:   true,
	Doc:     "https://quetz.readthedocs.io",
	Hosts:   []string{"any, with type=quetz"},
	Example: "https://quetz.example/get/acme type=quetz",
	Match:   byType,
	AnyHost: true,
	Runs:    "Quetz",
	Path:    "/get/",
	Proofs: []Source{serverOf("QUETZ_SERVER_URL", tokenOf("for the server of QUETZ_SERVER_URL, or the one with type=quetz",
		onQuetz, "QUETZ_API_KEY"))},
	Options: keyOptions,
	Open:    openKey(regpass.CondaToken),
}

// onQuetz lets a key go to the server that the client's variable names, otherwise to the one that a person calls a
// quetz, as with rattler-build, which reads no such variable.
func onQuetz(env *regpass.Env, t Target) bool {
	return env.Getenv("QUETZ_SERVER_URL") == "" || onServerOf("QUETZ_SERVER_URL")(env, t)
}
