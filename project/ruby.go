package project

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/regpass/regpass"
)

// gemSource matches a source of a Gemfile (https://bundler.io/man/gemfile.5.html, GLOBAL SOURCE and BLOCK FORM).
var gemSource = regpass.Pattern(`^\s*source[\s(]+["']([^"'#]+)["']`)

// readGemfile reads the sources of a Gemfile. It is a program, and of that only lines with a plain source are read.
func readGemfile(text string) (list named, err error) {
	for line := range strings.Lines(text) {
		if m := gemSource().FindStringSubmatch(line); m != nil {
			list.others = append(list.others, m[1])
			list.names = append(list.names, regpass.Named{Client: "bundler", Name: m[1], URL: m[1]})
		}
	}
	return list, nil
}

// readComposer reads the repositories of a composer.json, a list or an object
// (https://getcomposer.org/doc/04-schema.md#repositories).
func readComposer(text string) (list named, err error) {
	var c struct{ Repositories json.RawMessage }
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return named{}, errors.New("it is not a JSON object")
	}
	var all []json.RawMessage
	if json.Unmarshal(c.Repositories, &all) != nil {
		var byName map[string]json.RawMessage
		_ = json.Unmarshal(c.Repositories, &byName) // neither: it names none
		for _, one := range byName {
			all = append(all, one)
		}
	}
	for _, one := range all {
		var repo struct{ Type, URL string }
		if json.Unmarshal(one, &repo) == nil && repo.Type == "composer" {
			list.others = append(list.others, repo.URL)
		}
	}
	return list, nil
}
