package registry

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Job is a CI job as a registry's trust policy sees it: the claims of its identity.
type Job struct {
	Issuer   string  // iss, an https URL
	Audience string  // aud
	Claims   []Claim // what tells this job from others, sub first
}

// Claim is one claim of an identity whose value is text.
type Claim struct{ Name, Value string }

// Claim is the value of a claim, or empty.
func (j Job) Claim(name string) string {
	for _, c := range j.Claims {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// Subject is the claim sub, or a placeholder for one that is only known in the job.
func (j Job) Subject() string { return known(j.Claim("sub"), "the sub of the job") }

// Trust is what a registry's administrator enters so that one job, and no other, is let in.
type Trust struct {
	Where     string     // page or program where it is entered
	Fields    []Field    // what to enter there
	Documents []Document // policies to paste
	Shell     string     // the same as commands for a POSIX shell; empty: there is no program for it
	Terraform string     // the same for Terraform; empty: there is no provider for it
	Workflow  []Field    // variables for the job, such as the name of what was made
	Notes     []string   // what else to know: a sentence each
}

// Field is a name and what to enter behind it.
type Field struct{ Name, Value string }

// Document is a file or a part of one to paste, and what it is. Body is text, or what JSON is made of.
type Document struct {
	Name string
	Body any
}

// compactJSON is a document on one line, whose < and > stay as they are.
func compactJSON(body any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(body) // our own types
	return strings.TrimSuffix(b.String(), "\n")
}

// placeholder is what stands for a value that regpass cannot know.
func placeholder(name string) string { return "<" + name + ">" }

// known is the value, or a placeholder for it.
func known(value, name string) string {
	if value == "" {
		return placeholder(name)
	}
	return value
}

// shell quotes text as one word for a POSIX shell. Claims are text of whoever named a branch.
func shell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// hcl quotes text as a string of Terraform's language, in which ${ and %{ begin templates
// (https://developer.hashicorp.com/terraform/language/expressions/strings).
func hcl(text string) string {
	quoted := strconv.QuoteToGraphic(text)
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(quoted)
}
