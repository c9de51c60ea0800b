package registry

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/regpass/regpass"
)

// checkSeconds checks an option that is a number of seconds within limits.
func checkSeconds(option, text string, least, most int) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return regpass.Usagef("%s=%s is no number of seconds from %d to %d", option, regpass.Quote(text), least, most)
	}
	return nil
}

// checkedURL reads the URL of a server that a person names in an option or a variable, and that is shown a secret.
func checkedURL(name, value string) (*url.URL, error) {
	u, err := url.Parse(value)
	if err != nil {
		return nil, regpass.Usagef("%s is not a URL", name)
	}
	if err := regpass.CheckEndpoint(u); err != nil {
		return nil, regpass.Hintf(fmt.Errorf("%s: %w", name, err), "set it to an https URL, or unset it")
	}
	return u, nil
}

// baseOf is a server's URL, below which its API is.
func baseOf(u *url.URL) *url.URL {
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimSuffix(u.Path, "/")}
}
