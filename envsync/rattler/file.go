package rattler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// members are those of a whole file, or of a value in it.
func members(data []byte) ([]envsync.Member, error) {
	all, _, err := envsync.Members(data, 0)
	return all, err
}

// variant is one variant of rattler's enum Authentication, externally tagged
// (rattler_networking/src/authentication_storage/authentication.rs). The value of one without fields is a string.
type variant struct {
	name     string
	required []string // strings
	optional []string // strings or null
	integers []string // 64-bit integers or null
}

var variants = []variant{
	{name: "BearerToken"},
	{name: "CondaToken"},
	{name: "BasicHTTP", required: []string{"username", "password"}},
	{name: "S3Credentials", required: []string{"access_key_id", "secret_access_key"}, optional: []string{"session_token"}},
	{name: "OAuth", required: []string{"access_token", "token_endpoint", "client_id"},
		optional: []string{"refresh_token", "revocation_endpoint"}, integers: []string{"expires_at"}},
}

// parse reads a file as serde_json reads rattler's map of hosts. As for rattler, one bad entry makes the whole file
// bad. (serde also takes an array of values for an object. Nobody writes that, and parse refuses it.) Errors name
// hosts, never values.
func parse(data []byte) ([]envsync.Member, error) {
	switch {
	case !utf8.Valid(data):
		return nil, errors.New("it is not UTF-8")
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return nil, errors.New("it begins with a byte order mark")
	case !json.Valid(data):
		return nil, errors.New("it is not JSON")
	case loneSurrogate(data):
		return nil, errors.New(`it holds half of a \u surrogate pair`)
	}
	hosts, err := members(data)
	if err != nil {
		return nil, fmt.Errorf("it is %w from hosts to credentials", err)
	}
	for _, h := range hosts {
		if err := checkAuthentication(h.Raw); err != nil {
			return nil, fmt.Errorf("the entry %s: %w", regpass.Quote(h.Name), err)
		}
	}
	return hosts, nil
}

func checkAuthentication(raw []byte) error {
	outer, err := members(raw)
	if err != nil {
		return err
	}
	if len(outer) != 1 {
		return fmt.Errorf("it holds %d members, but the kind of credential must be the only one", len(outer))
	}
	i := slices.IndexFunc(variants, func(v variant) bool { return v.name == outer[0].Name })
	if i < 0 {
		return fmt.Errorf("rattler knows no kind %s", regpass.Quote(outer[0].Name))
	}
	v := variants[i]
	if v.required == nil {
		if outer[0].Raw[0] != '"' {
			return fmt.Errorf("%s is not a string", v.name)
		}
		return nil
	}
	fields, err := members(outer[0].Raw)
	if err != nil {
		return fmt.Errorf("%s is %w", v.name, err)
	}
	return v.check(fields)
}

// check checks the fields of a value. Like serde it ignores unknown ones.
func (v variant) check(fields []envsync.Member) error {
	seen := map[string]bool{}
	for _, f := range fields {
		required, integer := slices.Contains(v.required, f.Name), slices.Contains(v.integers, f.Name)
		if !required && !integer && !slices.Contains(v.optional, f.Name) {
			continue
		}
		if seen[f.Name] {
			return fmt.Errorf("%s has %s twice", v.name, f.Name)
		}
		seen[f.Name] = true
		switch null := string(f.Raw) == "null"; {
		case !required && null:
		case integer && !isInt64(f.Raw):
			return fmt.Errorf("%s of %s is not a whole number", f.Name, v.name)
		case !integer && f.Raw[0] != '"':
			return fmt.Errorf("%s of %s is not a string", f.Name, v.name)
		}
	}
	for _, name := range v.required {
		if !seen[name] {
			return fmt.Errorf("%s has no %s", v.name, name)
		}
	}
	return nil
}

// isInt64 reports whether serde_json takes raw for an i64: no fraction and no exponent. It takes -0 for a float.
func isInt64(raw []byte) bool {
	_, err := strconv.ParseInt(string(raw), 10, 64)
	return err == nil && string(raw) != "-0"
}

// loneSurrogate reports half of a \u pair, which encoding/json replaces and serde_json refuses. data is valid JSON, so
// only strings hold a backslash.
func loneSurrogate(data []byte) bool {
	unit := func(at int) int64 {
		if at+6 > len(data) || data[at] != '\\' || data[at+1] != 'u' {
			return 0
		}
		n, _ := strconv.ParseInt(string(data[at+2:at+6]), 16, 32)
		return n
	}
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		if u := unit(i); u >= 0xdc00 && u < 0xe000 {
			return true
		} else if u >= 0xd800 && u < 0xdc00 {
			if low := unit(i + 6); low < 0xdc00 || low >= 0xe000 {
				return true
			}
			i += 6
		}
		i++
	}
	return false
}
