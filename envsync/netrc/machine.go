package netrc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// machine is what a netrc is to say about one host.
type machine struct{ name, login, password string }

// unportable returns why some reader of netrc files reads a value differently, or "". rattler keeps quotes, Python
// and uv resolve backslashes, Python up to 3.10 reads single quotes too, and curl begins entries at keywords anywhere.
func unportable(value string) string {
	switch {
	case value == "":
		return "is empty"
	case strings.ContainsAny(value, `"'`):
		return "holds a quote"
	case strings.Contains(value, `\`):
		return "holds a backslash"
	case value[0] == '#':
		return "begins with #"
	case structural(value):
		return "is a netrc keyword"
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "holds something other than printable ASCII without spaces"
	}
	return ""
}

// machines checks that the entries can be said in a netrc at all, and in the part of it that all readers agree on.
func machines(entries []envsync.Entry) ([]machine, error) {
	hosts, entries, err := envsync.Distinct("netrc", entries, envsync.Entry.Host)
	if err != nil {
		return nil, err
	}
	var all []machine
	for i, e := range entries {
		c, password := e.Cred, e.Cred.Secret.Reveal()
		switch {
		case c.Kind != regpass.Basic && c.Kind != regpass.Bearer:
			err = fmt.Errorf("a %s credential is not a user name and a password", c.Kind)
		case c.Username == "":
			err = fmt.Errorf("its %s credential has no user name, and a netrc knows nothing else", c.Kind)
		case envsync.UserName(c.Username) != "":
			err = fmt.Errorf("the user name %s", envsync.UserName(c.Username))
		case unportable(c.Username) != "":
			err = fmt.Errorf("the user name %s, which clients read differently", unportable(c.Username))
		case unportable(password) != "":
			err = fmt.Errorf("the password %s, which clients read differently", unportable(password))
		case len("password \r\n")+len(password) > maxLine:
			err = fmt.Errorf("its password has %d bytes: %w", len(password), errLongLine)
		case structural(hosts[i]):
			err = errors.New("the host has the name of a netrc keyword")
		}
		if err != nil {
			return nil, regpass.Hintf(fmt.Errorf("netrc: %s: %w", e.Ref, err),
				"use the sink uv for uv, rattler for pixi, or env")
		}
		for _, name := range namesOf(hosts[i]) {
			all = append(all, machine{name, c.Username, password})
		}
	}
	return all, nil
}

// namesOf are the names that clients look for: curl and requests take an IPv6 address out of its brackets, uv and
// rattler do not.
func namesOf(host string) []string {
	if bare := strings.Trim(host, "[]"); bare != host {
		return []string{bare, host}
	}
	return []string{host}
}

func keys(entries []envsync.Entry) []string {
	var keys []string
	for _, e := range entries {
		if host, err := e.Host(); err == nil {
			keys = append(keys, namesOf(host)...)
		}
	}
	return keys
}
