// Package ci holds the facts about each CI system, one row a system: how to recognize its jobs, how to tell one job
// from another, who issues its ID tokens, and which claims name the owner of a job. identity, session, sts and the
// recipes read these facts. Adding a CI system starts with a file and a row here; the tests of this package and of
// identity then name everything that is missing.
package ci

import (
	"os"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// System is a CI system, or an issuer of ID tokens that has no jobs here.
type System struct {
	Name  string // "circleci"
	Title string // as its users write it: "CircleCI"

	// Flag is set in the system's jobs. An issuer without jobs here has none.
	Flag Flag
	// Job tells one job from another on the same machine.
	Job Job

	// Tokens is the number of registries that a job can show an ID token to.
	Tokens Tokens
	// InVariable says that the workflow puts the token into a variable of its choice, so that identity's provider
	// "variable" reads it and the system needs no provider of its own.
	InVariable bool
	// Audience is the only audience of a job's ID tokens, or empty if the workflow chooses. $NAME in it stands for the
	// value of that variable.
	Audience string
	// OwnAudience says that Audience is a name of the CI system itself, which no other service takes for its own. Where
	// it is false, a registry that sees a token could use it at the service that Audience is the name of.
	OwnAudience bool
	// AudienceOf is the variable that holds the only token of a job, if nothing but the token says its only audience.
	AudienceOf string
	// Claims are the claims that trust policies match on, in the order to show them. The first is sub.
	Claims []string

	// Issuer signs the ID tokens of all tenants; an https URL without a slash at the end. A trust policy for it must
	// pin one of Owners, or it would trust everyone.
	Issuer string
	Owners []Owner
	// IssuerPer is the unit that has an issuer of its own, if there are many: "workspace". A system with tokens sets
	// either Issuer or IssuerPer.
	IssuerPer string

	// Repository is what tells the jobs of one source from others, in the form in which Shape takes it:
	// "OWNER/REPOSITORY". Empty if Shape is.
	Repository string
	// Shape are the claims of a job for a branch that are known without a job: what a trust policy can match before the
	// first one has run. With a shared Issuer, one of them pins an owner. Empty if too little is known.
	Shape []Shape
	// Given are the claims that a job has beside or instead of those of Shape if it has an environment, or that are known
	// with the workflow's file.
	Given []Shape
	// Doubt is what Shape may get wrong, in a sentence, or empty.
	Doubt string
}

// Shape is a claim of the tokens of one repository's jobs for one branch. In Text, $repository stands for the
// repository, $owner for it up to its last slash, $name for the rest, $ref for the branch without refs/heads/,
// $workflow for the path of the workflow's file, $file for its name, and $environment for the job's environment.
type Shape struct{ Claim, Text string }

// Source is what the jobs are of that a Shape describes. Workflow and Environment may be empty.
type Source struct{ Repository, Ref, Workflow, Environment string }

// ownerAndName is System.Repository of most.
const ownerAndName = "OWNER/REPOSITORY"

// Value is the claim's value for the jobs of one source; empty: a part of it is not known.
func (s Shape) Value(of Source) string {
	slash := strings.LastIndexByte(of.Repository, '/')
	known := map[string]string{
		"repository": of.Repository, "owner": of.Repository[:max(slash, 0)], "name": of.Repository[slash+1:], "ref": of.Ref,
		"workflow": of.Workflow, "file": of.Workflow[strings.LastIndexByte(of.Workflow, '/')+1:],
		"environment": of.Environment,
	}
	whole := true
	value := os.Expand(s.Text, func(name string) string {
		whole = whole && known[name] != ""
		return known[name]
	})
	if !whole {
		return ""
	}
	return value
}

// ClaimsOf are the claims of Shape and Given for the jobs of one source, as far as they are known. In each, Text is the
// value.
func (s System) ClaimsOf(of Source) []Shape {
	var all []Shape
	for _, c := range append(slices.Clone(s.Shape), s.Given...) {
		c.Text = c.Value(of)
		i := slices.IndexFunc(all, func(before Shape) bool { return before.Claim == c.Claim })
		switch {
		case c.Text == "":
		case i >= 0:
			all[i] = c
		default:
			all = append(all, c)
		}
	}
	return all
}

// Flag is the variable that a CI system sets in its jobs.
type Flag struct {
	Var   string
	Value string // the only value that counts, or empty if any does
}

// Job tells one job from every other on the same machine, and names the folder of the job's temporary files.
type Job struct {
	IDs    []string // variables that together name the job; they are hashed, so one may be a secret
	Temp   string   // variable that names the job's own temporary folder, or empty
	Suffix string   // appended to the value of Temp
}

// Tokens is the number of registries that a job can show an ID token to. Each token is shown to only one.
type Tokens int

// The ways in which CI systems give ID tokens.
const (
	NoTokens          Tokens = iota // none that a registry may see
	OneToken                        // one a job, for one registry
	DeclaredAudiences               // one for each audience that the workflow declares before the job begins
	AnyTime                         // a new one for the only audience, whenever the job asks
	AnyAudience                     // one for any audience, whenever the job asks
)

// New reports whether the job gets a new token each time that it asks.
func (t Tokens) New() bool { return t == AnyTime || t == AnyAudience }

// Owner is a claim by which a trust policy can name a tenant of an issuer that serves everyone.
type Owner struct {
	Claim string
	// Pin is the regular expression that the policy's pattern for the claim must match. In a pattern * stands for any
	// text, so Pin says which part of the pattern must be free of it.
	Pin string
}

// Values of Owner.Pin.
const (
	whole  = `^[^*]+$`        // all of it
	parent = `^[^*/]+/`       // the part before the first slash
	root   = `^[^*/]+(?:/|$)` // the same, or all of it if there is no slash
)

// Systems are all systems, in the order in which they are detected and shown. Forgejo is before Gitea, and both are
// before GitHub: their jobs also set the flags of those that follow. Jenkins is the last with jobs, because jobs of
// other systems also set JENKINS_URL, to start a build there.
var Systems = []System{
	Forgejo, Gitea, GitHub, GitLab, Buildkite, CircleCI, Azure, Bitbucket, Codefresh, Bitrise, Semaphore, HCP, Spacelift,
	Jenkins, Google,
}

// HasJobs reports whether regpass may run in a job of the system.
func (s System) HasJobs() bool { return s.Flag.Var != "" }

// Detect reports whether this process runs in a job of the system. It looks at one variable only.
func (s System) Detect(env *regpass.Env) bool {
	if !s.HasJobs() {
		return false
	}
	value := env.Getenv(s.Flag.Var)
	return value != "" && (s.Flag.Value == "" || s.Flag.Value == value)
}
