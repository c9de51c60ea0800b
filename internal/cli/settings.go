package cli

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/regpass/regpass"
)

const settingPrefix = "REGPASS_"

// settings are the variables that set defaults. A flag overrides its variable. None is a secret: variables with secrets
// are read where they are used, straight into a regpass.Secret.
type settings struct {
	Registries  string        `env:"REGISTRIES"`
	To          []string      `env:"TO"`
	Provider    string        `env:"PROVIDER"`
	Timeout     time.Duration `env:"TIMEOUT" envDefault:"30s"`
	MinLifetime time.Duration `env:"MIN_LIFETIME" envDefault:"5m"`
	NoRedact    bool          `env:"NO_REDACT"`
	SessionDir  string        `env:"SESSION_DIR"`
	Config      string        `env:"CONFIG"`
}

// settingDocs describes each variable for help, by its name without the prefix.
var settingDocs = map[string]string{
	"REGISTRIES": "registries, one a line, if the command line names none",
	"TO":         "sinks to write, separated by commas (--to)",
	"PROVIDER":   "CI system to take the identity from, instead of the first one found (--provider)",
	"TIMEOUT":    "time limit for getting a credential, retries included (--timeout)",
	"NO_REDACT":  "pass the command's output on unchanged (exec --no-redact)",
	"SESSION_DIR": "folder of the session; by default one for each CI job, otherwise " +
		"one in the user's state, such as ~/.local/state/regpass",
	"CONFIG": "absolute path of your own regpass.toml, see `regpass help registries`; by default in the folder for " +
		"configuration, and none in a CI job",
	"MIN_LIFETIME": "replace a credential that has less than this left, if it lives over four times as long " +
		"(--min-lifetime)",
}

// loadSettings reads the variables. An empty one counts as not set. The parser's own errors quote the value, which may
// be a secret in the wrong variable, so ours name only the variable and the form it should have.
func loadSettings(e *regpass.Env) (settings, error) {
	var s settings
	vars := map[string]string{}
	for _, kv := range e.Environ {
		if name, value, ok := strings.Cut(kv, "="); ok && value != "" && strings.HasPrefix(name, settingPrefix) {
			vars[name] = value
		}
	}
	err := env.ParseWithOptions(&s, env.Options{Environment: vars, Prefix: settingPrefix})
	if err == nil {
		return s, nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return s, regpass.Usagef("settings: the variables could not be read")
	}
	var bad []error
	for _, err := range all.Errors {
		var pe env.ParseError
		if !errors.As(err, &pe) {
			bad = append(bad, errors.New("settings: a variable could not be read"))
			continue
		}
		field, _ := reflect.TypeFor[settings]().FieldByName(pe.Name)
		bad = append(bad, fmt.Errorf("settings: %s%s is not %s", settingPrefix, field.Tag.Get("env"), typeDoc(pe.Type)))
	}
	return s, regpass.Hintf(regpass.Usagef("%w", errors.Join(bad...)), "see `regpass help environment`")
}

// typeDoc describes the values of a type, with an article.
func typeDoc(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration such as 30s or 5m"
	case reflect.TypeFor[bool]():
		return "true or false"
	}
	return "a " + t.String()
}

// environment lists the variables and their docs for help.
func environment() [][2]string {
	var rows [][2]string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[settings]()) {
		name := f.Tag.Get("env")
		doc := settingDocs[name]
		if d := f.Tag.Get("envDefault"); d != "" {
			doc += "; default " + d
		}
		rows = append(rows, [2]string{settingPrefix + name, doc})
	}
	return rows
}
