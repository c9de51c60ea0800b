// Package action speaks to a GitHub Actions runner. It is the one place that uses sethvargo/go-githubactions and
// closes what that leaves open.
package action

import (
	"io"
	"strings"

	githubactions "github.com/sethvargo/go-githubactions"

	"github.com/regpass/regpass"
)

// shortestMask is the shortest line that is masked, in bytes: a runner that masks shorter ones makes its log
// unreadable (https://github.com/actions/runner/issues/326).
const shortestMask = 4

// Mask tells the runner, which reads w, to hide a secret and every form of it that the runner does not derive itself
// (base64url, hex, URL-encoding and others, actions/runner ValueEncoders.cs). A runner masks line by line, so a
// secret of several lines is masked by line (CVE-2021-32074).
func Mask(w io.Writer, s regpass.Secret) {
	a := githubactions.New(githubactions.WithWriter(w))
	for line := range strings.Lines(s.Reveal()) {
		line = strings.TrimSpace(line)
		if len(line) < shortestMask {
			continue
		}
		for _, form := range regpass.Derived(regpass.NewSecret(line)) {
			a.AddMask(form)
		}
	}
}
