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

// settings are what can be said by variables. Flags of the same name go before them. None is a secret: those are
// read where they are used, and go straight into a regpass.Secret.
type settings struct {
	Registries  string        `env:"REGISTRIES" doc:"registries, one a line, where none is named on the command line"`
	To          []string      `env:"TO" doc:"sinks to write, with commas between them (--to)"`
	Provider    string        `env:"PROVIDER" doc:"the CI system to take the identity from, where the first found is not meant (--provider)"`
	Timeout     time.Duration `env:"TIMEOUT" envDefault:"30s" doc:"time limit for getting a credential, retries included (--timeout)"`
	MinLifetime time.Duration `env:"MIN_LIFETIME" envDefault:"5m" doc:"replace a credential that has less than this left, where the registry's live over four times as long (--min-lifetime)"`
	NoRedact    bool          `env:"NO_REDACT" doc:"pass the command's output on as it is (exec --no-redact)"`
	SessionDir  string        `env:"SESSION_DIR" doc:"folder of the session; by default one for each CI job, else in $XDG_RUNTIME_DIR or the user's cache"`
}

// loadSettings reads the variables. An empty one is not set. The parser's own errors quote the value, which may be a
// secret in the wrong variable: ours name the variable and the form it should have.
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
		bad = append(bad, fmt.Errorf("settings: %s%s is not %s", settingPrefix, field.Tag.Get("env"), form(pe.Type)))
	}
	return s, regpass.Hintf(regpass.Usagef("%w", errors.Join(bad...)), "see `regpass help environment`")
}

func form(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration such as 30s or 5m"
	case reflect.TypeFor[bool]():
		return "true or false"
	}
	return "a " + t.String()
}

// environment lists the settings for help.
func environment() [][2]string {
	var rows [][2]string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[settings]()) {
		doc := f.Tag.Get("doc")
		if d := f.Tag.Get("envDefault"); d != "" {
			doc += "; default " + d
		}
		rows = append(rows, [2]string{settingPrefix + f.Tag.Get("env"), doc})
	}
	return rows
}
