package ci

// Google is Google Cloud. Its machines have ID tokens of an issuer that serves all Google accounts. It has no jobs
// here, but sts must know the issuer.
// https://cloud.google.com/compute/docs/instances/verifying-instance-identity
var Google = System{
	Name: "google", Title: "Google Cloud",
	Issuer: "https://accounts.google.com",
	Owners: []Owner{
		{"email", whole},
		{"sub", whole},
	},
}
