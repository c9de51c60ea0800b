package registry

import (
	"strconv"

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
