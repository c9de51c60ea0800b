package action

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/regpass/regpass"
)

// Unavailable says what a step does where the job can have no credential: in a fork's pull request, for Dependabot.
type Unavailable string

// What a workflow can say for if-unavailable.
const (
	Fail Unavailable = "fail" // the step fails
	Warn Unavailable = "warn" // a warning, and the output available is false
	Skip Unavailable = "skip" // the output alone
)

// Inputs are what a workflow says under with:, less what the launchers read.
type Inputs struct {
	Registries  string // one a line
	Config      string // file that names registries
	To          []string
	ExportEnv   bool
	APIKey      regpass.Secret
	Provider    string
	Audience    string
	Unavailable Unavailable
	MinLifetime time.Duration // zero: not said
	Timeout     time.Duration // zero: not said
	Cleanup     bool
}

// input is one line under with:. What reads it gets the default where the workflow says nothing.
type input struct {
	name, otherwise string
	read            func(in *Inputs, value string) error
}

// inputs are those of action.yml, less those of the launchers.
var inputs = []input{
	{"registries", "", func(in *Inputs, v string) error { in.Registries = v; return nil }},
	{"config", "", func(in *Inputs, v string) error { in.Config = v; return nil }},
	{"to", "", func(in *Inputs, v string) error { in.To = words(v); return nil }},
	{"export-env", "false", func(in *Inputs, v string) (err error) { in.ExportEnv, err = boolean(v); return err }},
	{"api-key", "", func(in *Inputs, v string) error { in.APIKey = regpass.NewSecret(v); return nil }},
	{"provider", "", func(in *Inputs, v string) error { in.Provider = v; return nil }},
	{"audience", "", func(in *Inputs, v string) error { in.Audience = v; return nil }},
	{"if-unavailable", string(Fail), func(in *Inputs, v string) (err error) { in.Unavailable, err = unavailable(v); return err }},
	{"min-lifetime", "", func(in *Inputs, v string) (err error) { in.MinLifetime, err = duration(v); return err }},
	{"timeout", "", func(in *Inputs, v string) (err error) { in.Timeout, err = duration(v); return err }},
	{"cleanup", "true", func(in *Inputs, v string) (err error) { in.Cleanup, err = boolean(v); return err }},
}

// Inputs reads what the workflow says. The error is ErrUsage and names each input that is wrong; it shows no value, for
// a secret may have been written to the wrong line.
func (r *Runner) Inputs() (Inputs, error) {
	var in Inputs
	var wrong []error
	for _, i := range inputs {
		value := r.Input(i.name)
		if value == "" {
			value = i.otherwise
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

// words are what stands between commas and white space.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r <= ' ' })
}

// boolean reads the core schema of YAML 1.2, as GitHub's toolkit does: yes and on are not in it.
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
