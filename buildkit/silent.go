package buildkit

import (
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

// nothingThere is what pip prints when an index has no such package, and also, without another word, when the index
// refused to show it (pip, _internal/index/collector.py, _handle_get_simple_fail logs at the level of -v).
const nothingThere = "(from versions: none)"

// unsaid adds to the error of a step what its client kept to itself: that a registry may have refused the credential.
func unsaid(err error, words string, handed []secret.Delivery) error {
	var hosts []string
	for _, d := range handed {
		if d.Host != "" && !slices.Contains(hosts, d.Host) {
			hosts = append(hosts, d.Host)
		}
	}
	if len(hosts) == 0 || !strings.Contains(words, nothingThere) {
		return err
	}
	return regpass.Hintf(err, "pip says that there is no such package also where %s refuses the credential; `pip -v` in the step shows what it answers, `regpass status` what this identity may read",
		strings.Join(hosts, " or "))
}

// notGiven matches what BuildKit says of a secret that a step requires and nobody has (BuildKit,
// session/secrets/secrets.go).
var notGiven = regpass.Pattern(`secret ([^\s:]+): not found`)

// ungiven adds to the error of a step that requires a secret that nobody gives how it would be given.
func ungiven(err error, text string) error {
	m := notGiven().FindStringSubmatch(text)
	if m == nil {
		return err
	}
	return regpass.Hintf(err, "nobody gives the step the secret %s: --registry has credentials given as netrc, rattler and the ids that `regpass help secrets` tells, --secret id=…,src=FILE anything else",
		regpass.Quote(m[1]))
}
