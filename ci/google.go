package ci

// Google is Google Cloud. Its machines have ID tokens of an issuer that serves all Google accounts: sub is the number
// of the machine's service account. It has no jobs here: a build of Cloud Build is a machine of its own.
// https://cloud.google.com/compute/docs/instances/verifying-instance-identity
var Google = System{
	Name: "google", Title: "Google Cloud",
	Tokens: AnyAudience,
	Claims: []string{"sub", "email", "google"},
	Issuer: "https://accounts.google.com",
	Owners: []Owner{
		{"email", whole},
		{"sub", whole},
	},
}
