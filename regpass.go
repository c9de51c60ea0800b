// Package regpass is the vocabulary of the program of that name, which gives every build a pass: it proves who a CI
// job is, exchanges that for a short-lived package-registry credential and puts the credential where each client looks.
//
// Data flows one way. The rooms (identity, registry, envsync, sts, …) import this package and internal/cli joins them;
// arch_test.go lists the few imports between them. This package imports only the standard library.
package regpass

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"time"
)

// Kind is the way in which a credential is presented to a registry.
type Kind string

// The kinds of credential that package clients know.
const (
	Bearer     Kind = "bearer"      // Authorization: Bearer <Secret>
	Basic      Kind = "basic"       // Authorization: Basic base64(<Username>:<Secret>)
	CondaToken Kind = "conda-token" // https://host/t/<Secret>/channel
	S3         Kind = "s3"          // SigV4 with Username as access key id and Secret as secret access key
)

// Credential is a registry's permission to read or upload packages.
type Credential struct {
	Registry     string    // name of the registry's row: "pyx"
	Host         string    // lower-case, ASCII; with :port if the URL names one; "s3://bucket" for Kind S3
	MoreHosts    []string  // further hosts that take the same credential, such as the one that serves the files
	Kind         Kind      // how it is presented
	Username     string    // for Basic; for Bearer the user name that clients send that only speak Basic, or empty
	Secret       Secret    // token, password or key
	SessionToken Secret    // Kind S3 only
	Refresh      Secret    // single-use token that the registry exchanges for the next credential, or empty
	Expires      time.Time // zero: the registry does not say
	// RenewAt is when it should be replaced at the latest, where the registry is often down; zero: see RefreshAt.
	RenewAt time.Time
	// Ender is the token that ends the credential, if the credential does not end itself, or empty.
	Ender Secret
}

// Authorization is the value of the header of that name (RFC 6750, RFC 7617), or empty for a kind that no header
// carries. It is in clear.
func (c Credential) Authorization() string {
	switch c.Kind {
	case Bearer:
		return "Bearer " + c.Secret.Reveal()
	case Basic:
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Secret.Reveal()))
	}
	return ""
}

// Secrets are all secrets that the credential has.
func (c Credential) Secrets() []Secret {
	return slices.DeleteFunc([]Secret{c.Secret, c.SessionToken, c.Refresh, c.Ender}, Secret.Empty)
}

// PerHost returns the credential once for each of its hosts, that of Host first. None has MoreHosts.
func (c Credential) PerHost() []Credential {
	all := []Credential{c}
	for _, host := range c.MoreHosts {
		other := c
		other.Host = host
		all = append(all, other)
	}
	for i := range all {
		all[i].MoreHosts = nil
	}
	return all
}

// Least is how much of its lifetime a credential must have left to be handed out: more than a fifth, or than a half,
// and more than Time if the lifetime is over four times Time.
type Least struct {
	Time time.Duration
	Half bool // who gets it cannot be given another one, as a step of a container build
}

// Fresh reports whether the credential, minted at minted, can still be handed out at now. A credential whose end is
// unknown is fresh.
func (c Credential) Fresh(now, minted time.Time, least Least) bool {
	return c.Expires.IsZero() || now.Before(c.RefreshAt(minted, least))
}

// RefreshAt is the time from which a credential that was minted at minted should be replaced. It is zero if the end of
// the credential is unknown.
func (c Credential) RefreshAt(minted time.Time, least Least) time.Time {
	if c.Expires.IsZero() {
		return time.Time{}
	}
	life := max(c.Expires.Sub(minted), 0) // below 0 if the clock was wrong
	left := life / 5
	if least.Half {
		left = life / 2
	}
	if life > 4*least.Time && left < least.Time {
		left = least.Time
	}
	at := c.Expires.Add(-left)
	if !c.RenewAt.IsZero() && c.RenewAt.Before(at) {
		return c.RenewAt
	}
	return at
}

// Identity is a CI job's signed proof of its identity: an OpenID Connect ID token, read but not verified.
type Identity struct {
	Provider string // name of the provider's row: "github"
	Token    Secret
	Claims   Claims
	// PolicyClaims names the claims that trust policies match on, in the order to show them.
	PolicyClaims []string
}

// Env is everything that the program may know of its surroundings. main fills it in and tests fake it.
type Env struct {
	Getenv  func(string) string
	Environ []string // NAME=value, for child processes
	HTTP    *http.Client
	Now     func() time.Time
	Wait    func(context.Context, time.Duration) error // returns early with ctx's error
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer

	Program  string // path of our own program, to which the names of its helpers are linked; or empty
	Dir      string // working directory
	Home     string // home directory, or empty if there is none
	TempDir  string // the system's folder for temporary files
	Terminal bool   // standard input and error are a terminal: there is a person to ask

	// Mask must be called with every secret as soon as it is read, before anything is printed. From then on Stderr is
	// redacted, and a GitHub runner hides the secret.
	Mask func(...Secret)
	// AskSecret prints a prompt and reads a line from the terminal without showing it, until ctx ends. It may be nil.
	AskSecret func(ctx context.Context, prompt string) (string, error)
	// Trace shows one step to a person who wants to see them, without secrets; nil: nobody does.
	Trace func(text string)
	// Machine is what the firmware calls the machine, such as "Amazon EC2" or "Google Compute Engine"; nil: unknown.
	Machine func() string
	// Run runs a command to its end and returns its standard output. extra is added to its environment, as NAME=value.
	Run func(ctx context.Context, extra []string, name string, args ...string) ([]byte, error)
	// Keychain is the person's keychain; nil: this is no place for one.
	Keychain Keychain
	// OpenBrowser shows a page to the person at the terminal.
	OpenBrowser func(ctx context.Context, url string) error
}

// Step passes a step on to Trace, if there is one.
func (e *Env) Step(format string, args ...any) {
	if e.Trace != nil {
		e.Trace(fmt.Sprintf(format, args...))
	}
}

// Lookup returns name and value of the first of the named variables that is set. An empty variable counts as not set.
func (e *Env) Lookup(names ...string) (name, value string) {
	for _, n := range names {
		if v := e.Getenv(n); v != "" {
			return n, v
		}
	}
	return "", ""
}

// Abs resolves a path that a person or a variable names against the working directory.
func (e *Env) Abs(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(e.Dir, path)
}

// Short writes a duration for people, in one unit: 45s, 12m, 3h.
func Short(d time.Duration) string {
	switch {
	case d >= 2*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	case d >= 2*time.Minute:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	}
	return fmt.Sprintf("%ds", int(d.Seconds()))
}
