package buildkit

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
)

// barrings match what BuildKit says when a server does not let it in: for images, for ADD https://… and, in git's
// words, for repositories.
var barrings = regpass.Pattern(`(?i)invalid response status 40[13]|\b40[13] (?:unauthorized|forbidden)|insufficient_scope|` +
	`could not read username|authentication failed|returned error: 40[13]`)

// imageHost and urlHost match the host of what a builder fetches or pushes by itself.
var (
	imageHost = regpass.Pattern(`(?:failed to push|load metadata for|failed to resolve source metadata for) ([A-Za-z0-9._:\[\]-]+)/`)
	urlHost   = regpass.Pattern(`https?://(?:[^/\s"']*@)?([A-Za-z0-9._:\[\]-]+)`)
)

// barred says which host did not let the builder itself in, in a step of that name that ended with that error, and what
// to do about it. What commands of a step were refused, it is not about.
func barred(name, text string, handed []secret.Delivery) (host, what, hint string) {
	if what = barrings().FindString(text); what == "" || strings.Contains(text, "did not complete successfully") {
		return "", "", ""
	}
	if m := imageHost().FindStringSubmatch(name + "\n" + text); m != nil {
		return m[1], what, fmt.Sprintf("`docker login %s`, or name it with --registry; if it is named, this identity may lack the right: `regpass status` shows it", m[1])
	}
	m := urlHost().FindStringSubmatch(name + "\n" + text)
	if m == nil {
		return "", "", ""
	}
	host = m[1]
	if slices.ContainsFunc(handed, func(d secret.Delivery) bool { return d.AskedByDaemon() && hostname(d.Host) == hostname(host) }) {
		return host, what, "it was sent the credential for " + host + ", which may not let this identity read what the step asks for: `regpass status` shows it"
	}
	return host, what, "it was sent no credential: name the registry at " + host + " with --registry; a BuildKit older than 0.23 sends none for ADD https://"
}

// hostname is a host without its port.
func hostname(host string) string { return (&url.URL{Host: host}).Hostname() }
