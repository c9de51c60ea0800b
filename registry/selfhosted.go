package registry

import "github.com/regpass/regpass"

// Servers that anybody may run and that exchange nothing: their address does not tell their kind, so type= does, and
// their variables count where one of these names the server.

// nexus takes the two parts of a user token, or a user and a password; its keys for npm and NuGet have no user.
var nexus = Row{
	Name:    "nexus",
	Also:    []string{"sonatype"},
	Title:   "Sonatype Nexus Repository",
	Proven:  "documentation",
	Doc:     "https://help.sonatype.com/en/sonatype-nexus-repository.html",
	Hosts:   []string{"any, with type=nexus"},
	Example: "https://nexus.example/repository/pypi/simple/ type=nexus",
	Match:   byType,
	AnyHost: true,
	Runs:    "Nexus",
	Path:    "/repository/",
	Proofs:  []Source{loginOf("NEXUS_USERNAME", "NEXUS_PASSWORD", "NEXUS_URL")},
	Images:  true,
	Options: keyOptions,
	Open:    openKey(regpass.Basic),
}

// harbor takes the name and the secret of a robot account. Only an administrator can make one, and it lives for days.
// The variables are those of its Terraform provider.
var harbor = Row{
	Name:    "harbor",
	Title:   "Harbor, for images",
	Proven:  "documentation",
	Doc:     "https://goharbor.io/docs/main/working-with-projects/project-configuration/create-robot-accounts/",
	Hosts:   []string{"any, with type=harbor"},
	Example: "https://harbor.example type=harbor",
	Match:   byType,
	AnyHost: true,
	Runs:    "Harbor",
	Proofs:  []Source{loginOf("HARBOR_USERNAME", "HARBOR_PASSWORD", "HARBOR_URL")},
	Images:  true,
	Options: keyOptions,
	Open:    openKey(regpass.Basic),
}

// loginOf is a source of a user name and a password for the server that the third variable names.
func loginOf(user, password, server string) Source {
	its := onServerOf(server)
	return Source{Method: regpass.ReadyToken, Vars: []string{user, password}, Parts: 2, Server: server,
		Doc: "for the server of " + server,
		Read: func(env *regpass.Env, t Target) (Proof, bool, error) {
			name, secret := env.Getenv(user), env.Getenv(password)
			if name == "" || secret == "" || !its(env, t) {
				return Proof{}, false, nil
			}
			return Proof{Method: regpass.ReadyToken, From: password, Secret: regpass.SecretLine(secret),
				Kind: regpass.Basic, Username: name}, true, nil
		}}
}
