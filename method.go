package regpass

// Method is the kind of a proof, in words for people.
type Method string

// The methods, the preferred one first.
const (
	ReadyToken Method = "ready token"    // a token of the registry, used as it is
	APIKey     Method = "API key"        // long-lived: exchanged if the registry can, otherwise used as it is
	OIDC       Method = "CI identity"    // an OpenID Connect ID token of the job
	Cloud      Method = "cloud identity" // of the machine, from its cloud's metadata server
	Refresh    Method = "refresh token"  // single-use, from an earlier credential
	Browser    Method = "browser login"  // a person at the terminal
)
