package secret

import (
	"fmt"

	"github.com/regpass/regpass"
)

// Filled is a secret with its value.
type Filled struct {
	Secret
	Value regpass.Secret
}

// Fill works out the secrets of credentials that are all at hand; creds[i] is that of sources[i]. A secret that cannot
// be made of them is left out, with a warning if a step could have mounted it. Names that the user chose and that clash
// are ErrUsage.
func Fill(sources []Source, creds []regpass.Credential) (all []Filled, warnings []string, err error) {
	l, err := newList(sources, "")
	if err != nil {
		return nil, nil, err
	}
	warnings = l.warnings
	for _, e := range l.entries {
		if e.conflict {
			continue
		}
		var from []held
		for _, i := range e.from {
			from = append(from, held{sources[i], creds[i]})
		}
		content, _, err := e.content(from)
		switch err = check(content, err); {
		case err == nil:
			all = append(all, Filled{e.Secret, regpass.NewSecret(string(content))})
		case e.Use == ForClient:
			warnings = append(warnings, fmt.Sprintf("there is no secret %s: %v", e.ID, err))
		}
	}
	return all, warnings, nil
}
