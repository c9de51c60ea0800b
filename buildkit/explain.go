package buildkit

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/errdefs"
	digest "github.com/opencontainers/go-digest"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/leak"
	"github.com/regpass/regpass/buildkit/secret"
)

// explain makes an error of how a build ended: which step failed, in words that can be shown, and what to do where it
// was a registry that refused a credential. t must not be in use any more.
func (t *stepLog) explain(b Build, cause, err error) error {
	step := t.failed
	var failed *errdefs.VertexError
	switch {
	case cause != nil:
		return cause
	case errors.Is(err, regpass.ErrUsage):
		return err
	case errors.As(err, &failed):
		step = digest.Digest(failed.Digest)
	}
	if _, known := t.names[step]; !known {
		return fmt.Errorf("build: %w", redacted{b.Watch, err})
	}
	b.excerpt(err)
	name := regpass.Quote(t.names[step])
	if host, what := refused(t.names[step], string(t.tails[step]), b.Secrets.Minted()); host != "" {
		return regpass.Hintf(fmt.Errorf("build: step %s: %s refused the credential (%s): %w", name, host,
			regpass.Quote(what), redacted{b.Watch, err}),
			"the registry may not let this identity read what the step asks for: `regpass status` shows it. A step keeps "+
				"the credential that it was given: if it ran for longer than the registry's tokens live, split it")
	}
	if host, what, hint := explainForbidden(t.names[step], err.Error(), b.Secrets.Minted()); host != "" {
		return regpass.Hintf(fmt.Errorf("build: step %s: %s did not let the builder in (%s): %w", name, host,
			regpass.Quote(what), redacted{b.Watch, err}), "%s", hint)
	}
	err = fmt.Errorf("build: step %s: %w", name, redacted{b.Watch, err})
	return explainMissingSecret(explainSilentPip(err, string(t.tails[step]), b.Secrets.Minted()), err.Error())
}

// excerpt shows the lines of the Dockerfile that the failed step is in.
func (b Build) excerpt(err error) {
	if b.Mode == "quiet" || b.Mode == "rawjson" {
		return
	}
	var lines strings.Builder
	for _, source := range errdefs.Sources(err) {
		_ = source.Print(&lines) // a strings.Builder does not fail
	}
	_, _ = io.WriteString(b.Out, b.Watch.Redact(lines.String()))
}

// redacted is an error of the builder's without secrets, quoted.
type redacted struct {
	watch *leak.Watch
	error
}

func (r redacted) Error() string { return regpass.Quote(r.watch.Redact(r.error.Error())) }
func (r redacted) Unwrap() error { return r.error }

// refusals matches what package clients print when a server does not take a credential.
var refusals = regpass.Pattern(`(?i)\b(?:http|status|error|code)\b[^0-9\n]{0,30}40[13]\b|\b40[13] (?:client )?error|` +
	`\b(?:40[13] )?(?:unauthorized|forbidden)\b|` +
	`\bauthentication (?:failed|required)\b|\bcredentials (?:not correct|were rejected)\b`)

// refused says which of the registries whose credentials were handed out refused one, by the last words of a step: one
// that is named there or in the step, or the only one there is.
func refused(name, words string, handed []secret.Delivery) (host, what string) {
	what = refusals().FindString(words)
	if what == "" {
		return "", ""
	}
	var hosts []string
	for _, d := range handed {
		if d.Host != "" && !slices.Contains(hosts, d.Host) {
			hosts = append(hosts, d.Host)
		}
	}
	named := slices.IndexFunc(hosts, func(h string) bool { return strings.Contains(words+name, h) })
	switch {
	case named >= 0:
		return hosts[named], what
	case len(hosts) == 1:
		return hosts[0], what
	}
	return "", ""
}

// forbiddenText matches what BuildKit says when a server does not let it in: for images, for ADD https://… and, in
// git's words, for repositories.
var forbiddenText = regpass.Pattern(`(?i)invalid response status 40[13]|\b40[13] (?:unauthorized|forbidden)|` +
	`insufficient_scope|` +
	`could not read username|authentication failed|returned error: 40[13]`)

// imageHost and urlHost match the host of what a builder fetches or pushes by itself.
var (
	imageHost = regpass.Pattern(`(?:failed to push|load metadata for|failed to resolve source metadata for) ` +
		`([A-Za-z0-9._:\[\]-]+)/`)
	urlHost = regpass.Pattern(`https?://(?:[^/\s"']*@)?([A-Za-z0-9._:\[\]-]+)`)
)

// explainForbidden says which host did not let the builder itself in, in the step of that name that ended with the
// error text, and what to do about it. It ignores refusals that a command of a step met.
func explainForbidden(name, text string, handed []secret.Delivery) (host, what, hint string) {
	if what = forbiddenText().FindString(text); what == "" || strings.Contains(text, "did not complete successfully") {
		return "", "", ""
	}
	if m := imageHost().FindStringSubmatch(name + "\n" + text); m != nil {
		return m[1], what, fmt.Sprintf("`docker login %s`, or name it with --registry; if it is named, this identity may "+
			"lack the right: `regpass status` shows it", m[1])
	}
	m := urlHost().FindStringSubmatch(name + "\n" + text)
	if m == nil {
		return "", "", ""
	}
	host = m[1]
	if slices.ContainsFunc(handed, func(d secret.Delivery) bool {
		return d.AskedByDaemon() && hostname(d.Host) == hostname(host)
	}) {
		return host, what, "it was sent the credential for " + host + ", which may not let this identity read what the " +
			"step asks for: `regpass status` shows it"
	}
	return host, what, "it was sent no credential: name the registry at " + host + " with --registry; a BuildKit " +
		"older than 0.23 sends none for ADD https://"
}

// hostname is a host without its port.
func hostname(host string) string { return (&url.URL{Host: host}).Hostname() }

// nothingThere is what pip prints when an index has no such package, and also, without another word, when the index
// refused to show it (pip, _internal/index/collector.py, _handle_get_simple_fail logs at the level of -v).
const nothingThere = "(from versions: none)"

// explainSilentPip adds to the error of a step what pip keeps to itself: that a registry may have refused the
// credential.
func explainSilentPip(err error, words string, handed []secret.Delivery) error {
	var hosts []string
	for _, d := range handed {
		if d.Host != "" && !slices.Contains(hosts, d.Host) {
			hosts = append(hosts, d.Host)
		}
	}
	if len(hosts) == 0 || !strings.Contains(words, nothingThere) {
		return err
	}
	return regpass.Hintf(err, "pip says that there is no such package also where %s refuses the credential; `pip -v` "+
		"in the step shows what it answers, `regpass status` what this identity may read",
		strings.Join(hosts, " or "))
}

// notGiven matches what BuildKit says of a secret that a step requires and nobody has (BuildKit,
// session/secrets/secrets.go).
var notGiven = regpass.Pattern(`secret ([^\s:]+): not found`)

// explainMissingSecret adds to the error of a step that requires a secret nobody gives how to give it.
func explainMissingSecret(err error, text string) error {
	m := notGiven().FindStringSubmatch(text)
	if m == nil {
		return err
	}
	return regpass.Hintf(err, "nobody gives the step the secret %s: --registry has credentials given as netrc, "+
		"rattler and the ids that `regpass help secrets` tells, --secret id=…,src=FILE anything else",
		regpass.Quote(m[1]))
}
