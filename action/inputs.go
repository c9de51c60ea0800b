package action

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// Unavailable is the reaction to a job that can have no credential, as in a fork's pull request or for Dependabot.
type Unavailable string

// The values of the input if-unavailable.
const (
	Fail Unavailable = "fail" // the step fails
	Warn Unavailable = "warn" // a warning, and the output available is false
	Skip Unavailable = "skip" // the output alone
)

// Inputs are the inputs in the workflow, under with:, without those that the launchers read.
type Inputs struct {
	Registries  string // one a line, as regpass.ParseRefs reads them
	Config      string // path of a file that names registries
	To          []string
	ExportEnv   bool
	APIKey      regpass.Secret
	Provider    string
	Audience    string
	Unavailable Unavailable
	MinLifetime time.Duration // zero: not set
	Timeout     time.Duration // zero: not set
	Cleanup     bool
}

// input is an input of action.yml. read gets its default if the workflow does not set it.
type input struct {
	name     string
	fallback string // the default, as in action.yml
	read     func(in *Inputs, value string) error
}

// inputs are those of action.yml, without those of the launchers.
var inputs = []input{
	{"registries", "", func(in *Inputs, v string) error { in.Registries = v; return nil }},
	{"config", "", func(in *Inputs, v string) error { in.Config = v; return nil }},
	{"to", "", func(in *Inputs, v string) error { in.To = words(v); return nil }},
	{"export-env", "false", func(in *Inputs, v string) (err error) { in.ExportEnv, err = boolean(v); return err }},
	{"api-key", "", func(in *Inputs, v string) error { in.APIKey = regpass.NewSecret(v); return nil }},
	{"provider", "", func(in *Inputs, v string) error { in.Provider = v; return nil }},
	{"audience", "", func(in *Inputs, v string) error { in.Audience = v; return nil }},
	{"if-unavailable", string(Fail), func(in *Inputs, v string) (err error) {
		in.Unavailable, err = unavailable(v)
		return err
	}},
	{"min-lifetime", "", func(in *Inputs, v string) (err error) { in.MinLifetime, err = duration(v); return err }},
	{"timeout", "", func(in *Inputs, v string) (err error) { in.Timeout, err = duration(v); return err }},
	{"cleanup", "true", func(in *Inputs, v string) (err error) { in.Cleanup, err = boolean(v); return err }},
}

// Inputs reads the inputs in the workflow. The error is ErrUsage and names each wrong input. It shows no value, because
// a secret may have been written to the wrong line.
func (r *Runner) Inputs() (Inputs, error) {
	var in Inputs
	var wrong []error
	for _, i := range inputs {
		value := r.Input(i.name)
		if value == "" {
			value = i.fallback
		}
		if err := i.read(&in, value); err != nil {
			wrong = append(wrong, fmt.Errorf("action: the input %s is %w", i.name, err))
		}
	}
	if len(wrong) > 0 {
		return Inputs{}, regpass.Usagef("%w", errors.Join(wrong...))
	}
	return in, nil
}

// words splits text at commas and white space.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r <= ' ' })
}

// boolean reads a boolean in the core schema of YAML 1.2, as GitHub's toolkit does. Neither yes nor on is one.
func boolean(text string) (bool, error) {
	switch text {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return false, errors.New("neither true nor false")
}

func unavailable(text string) (Unavailable, error) {
	switch u := Unavailable(text); u {
	case Fail, Warn, Skip:
		return u, nil
	}
	return "", errors.New("not fail, warn or skip")
}

func duration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, errors.New("not a duration such as 30s or 5m")
	}
	return d, nil
}
