// Package toml answers "how is TOML read that a stranger wrote?". It bounds a text before the decoder sees it, for the
// decoder's time and memory grow with the square of the number of keys, and no context ends it.
package toml

import (
	"errors"
	"fmt"

	"github.com/pelletier/go-toml/v2"
)

// Unmarshal decodes text into v, as github.com/pelletier/go-toml does, if the text is within the bounds of check. Its
// errors name the line and a fixed reason, and nothing of the text: a link may lead to a file that is not TOML.
func Unmarshal(text []byte, v any) error {
	if err := check(text); err != nil {
		return err
	}
	err := toml.Unmarshal(text, v)
	if err == nil {
		return nil
	}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		line, _ := at.Position()
		return fmt.Errorf("line %d is not TOML, or has a value of another kind than its key", line)
	}
	return errors.New("it is not TOML, or has a value of another kind than its key")
}
