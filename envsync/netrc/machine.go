package netrc

import (
	"errors"
	"fmt"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// machine is the entry of a netrc for one host. Without a login, curl, uv and requests send an empty user name.
type machine struct{ name, login, password string }

// checkPortable returns why some reader of netrc files reads a value differently, or nil. rattler keeps quotes, Python
// and uv resolve backslashes, Python up to 3.10 reads single quotes too, and curl begins an entry at every keyword. The
// error completes a sentence that begins with the name of the value: "is empty".
func checkPortable(value string) error {
	switch {
	case value == "":
		return errors.New("is empty")
	case strings.ContainsAny(value, `"'`):
		return errors.New("holds a quote")
	case strings.Contains(value, `\`):
		return errors.New("holds a backslash")
	case value[0] == '#':
		return errors.New("begins with #")
	case structural(value):
		return errors.New("is a netrc keyword")
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("holds something other than printable ASCII without spaces")
	}
	return nil
}

// machines are the entries as machines. It refuses an entry that a netrc cannot hold, or that readers would not all
// read the same way.
func machines(entries []envsync.Entry) ([]machine, error) {
	hosts, entries, err := envsync.Distinct("netrc", entries, envsync.Entry.Host)
	if err != nil {
		return nil, err
	}
	var all []machine
	for i, e := range entries {
		if err := checkMachine(hosts[i], e.Cred); err != nil {
			return nil, regpass.Hintf(fmt.Errorf("netrc: %s: %w", e.Ref, err),
				"use the sink uv for uv, rattler for pixi, or env")
		}
		if err := e.CheckPorts(); err != nil {
			return nil, fmt.Errorf("netrc: %w", err)
		}
		for _, name := range namesOf(hosts[i]) {
			all = append(all, machine{name, e.Cred.Username, e.Cred.Secret.Reveal()})
		}
	}
	return all, nil
}

// checkMachine returns why a netrc cannot hold the credential for host, or nil.
func checkMachine(host string, c regpass.Credential) error {
	if c.Kind != regpass.Basic && c.Kind != regpass.Bearer {
		return fmt.Errorf("a %s credential is not a user name and a password", c.Kind)
	}
	if c.Username == "" && c.Kind != regpass.Basic {
		return fmt.Errorf("its %s credential has no user name, and a netrc holds only user names and passwords", c.Kind)
	}
	if err := envsync.CheckUserName(c.Username); err != nil {
		return fmt.Errorf("the user name %w", err)
	}
	if err := checkPortable(c.Username); err != nil && c.Username != "" {
		return fmt.Errorf("the user name %w, which clients read differently", err)
	}
	password := c.Secret.Reveal()
	if err := checkPortable(password); err != nil {
		return fmt.Errorf("the password %w, which clients read differently", err)
	}
	if len("password \r\n")+len(password) > maxLine {
		return fmt.Errorf("its password has %d bytes: %w", len(password), errLongLine)
	}
	if structural(host) {
		return errors.New("the host has the name of a netrc keyword")
	}
	return nil
}

// namesOf are the names that clients look up: curl and requests take an IPv6 address out of its brackets, uv and
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
