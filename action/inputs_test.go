package action_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/action"
)

func inputs(said map[string]string) (action.Inputs, error) {
	return action.New(&regpass.Env{Getenv: func(name string) string { return said[name] }}).Inputs()
}

func TestInputs(t *testing.T) {
	plain := action.Inputs{To: []string{}, Unavailable: action.Fail, Cleanup: true}
	for _, test := range []struct {
		name string
		said map[string]string
		want func(*action.Inputs)
	}{
		{"nothing set", nil, func(*action.Inputs) {}},
		{"white space", map[string]string{"INPUT_EXPORT-ENV": " True\n", "INPUT_REGISTRIES": "\n  a\n  b\n"},
			func(in *action.Inputs) { in.ExportEnv, in.Registries = true, "a\n  b" }},
		{"all forms of a list", map[string]string{"INPUT_TO": "netrc, uv\nrattler env"},
			func(in *action.Inputs) { in.To = []string{"netrc", "uv", "rattler", "env"} }},
		{
			"the others",
			map[string]string{
				"INPUT_CONFIG": "c", "INPUT_PROVIDER": "github", "INPUT_AUDIENCE": "d", "INPUT_CLEANUP": "FALSE",
				"INPUT_IF-UNAVAILABLE": "skip", "INPUT_TIMEOUT": "20s", "INPUT_MIN-LIFETIME": "10m",
			},
			func(in *action.Inputs) {
				*in = action.Inputs{
					To: []string{}, Config: "c", Provider: "github", Audience: "d", Unavailable: "skip",
					Timeout: 20 * time.Second, MinLifetime: 10 * time.Minute,
				}
			},
		},
	} {
		want := plain
		test.want(&want)
		if got, err := inputs(test.said); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, not %+v", test.name, got, err, want)
		}
	}
	got, err := inputs(map[string]string{"INPUT_API-KEY": "key\n"})
	if err != nil || got.APIKey.Reveal() != "key" {
		t.Errorf("the key is not the one that was set: %v", err)
	}
}

// The error names all wrong inputs and shows none of their values.
func TestInputsWrong(t *testing.T) {
	_, err := inputs(map[string]string{
		"INPUT_EXPORT-ENV": "yes", "INPUT_CLEANUP": "sk-secret", "INPUT_IF-UNAVAILABLE": "ignore",
		"INPUT_TIMEOUT": "5", "INPUT_MIN-LIFETIME": "-5m",
	})
	if !errors.Is(err, regpass.ErrUsage) {
		t.Fatalf("%v is not wrong usage", err)
	}
	want := []string{
		"the input export-env is neither true nor false", "the input if-unavailable is not fail, warn or skip",
		"the input min-lifetime is not a duration", "the input timeout is not a duration",
		"the input cleanup is neither",
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say: %s", err, w)
		}
	}
	if strings.Contains(err.Error(), "sk-secret") {
		t.Errorf("a value is shown: %v", err)
	}
}
