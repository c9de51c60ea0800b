package plan

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/regpass/regpass"
)

// fields reads one line of CSV, the form of BuildKit's options that have several parts.
func fields(text string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	all, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, regpass.Usagef("it is empty")
	}
	if err != nil {
		return nil, regpass.Usagef("%s is not a list with commas", regpass.Quote(text))
	}
	return all, nil
}

// keyed reads key=value,key=value; keys are lower-cased.
func keyed(text string) (map[string]string, error) {
	all, err := fields(text)
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	for _, f := range all {
		k, v, ok := strings.Cut(f, "=")
		if !ok {
			return nil, regpass.Usagef("a part of it is not key=value")
		}
		m[strings.ToLower(strings.TrimSpace(k))] = v
	}
	return m, nil
}

// pairs reads options of the form name=value; one without = has the empty value.
func pairs(all []string) (map[string]string, error) {
	m := map[string]string{}
	for _, text := range all {
		name, value, _ := strings.Cut(text, "=")
		if name == "" {
			return nil, regpass.Usagef("one has no name")
		}
		m[name] = value
	}
	return m, nil
}
