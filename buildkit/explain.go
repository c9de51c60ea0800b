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

// explain turns the error of a build into one that can be shown and names the failed step. If a registry refused a
// credential, a hint says what to do. note must have returned.
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
	if r := refused(t.names[step], string(t.tails[step]), b.Secrets.Minted()); r.host != "" {
		return regpass.Hintf(fmt.Errorf("build: step %s: %s refused the credential (%s): %w", name, r.host,
			regpass.Quote(r.words), redacted{b.Watch, err}), "%s", r.hint)
	}
	if r := forbidden(t.names[step], err.Error(), b.Secrets.Minted()); r.host != "" {
		return regpass.Hintf(fmt.Errorf("build: step %s: %s did not let the builder in (%s): %w", name, r.host,
			regpass.Quote(r.words), redacted{b.Watch, err}), "%s", r.hint)
	}
	err = fmt.Errorf("build: step %s: %w", name, redacted{b.Watch, err})
	return explainMissingSecret(explainSilentPip(err, string(t.tails[step]), b.Secrets.Minted()), err.Error())
}

// excerpt prints the failed step's lines of the Dockerfile.
func (b Build) excerpt(err error) {
	if b.Mode == "quiet" || b.Mode == "rawjson" {
		return
	}
	var lines strings.Builder
	for _, source := range errdefs.Sources(err) {
		_ = source.Print(&lines) // a strings.Builder does not fail
	}
	_, _ = io.WriteString(b.Out, regpass.Printable(b.Watch.Redact(lines.String())))
}

// redacted is an error of the builder, quoted and without secrets.
type redacted struct {
	watch *leak.Watch
	error
}

func (r redacted) Error() string { return regpass.Quote(r.watch.Redact(r.error.Error())) }
func (r redacted) Unwrap() error { return r.error }

// refusal says that a server refused a credential, or its absence. All fields are empty if none did.
type refusal struct {
	host  string // of the server, with its port if it has one
	words string // that say so
	hint  string
}

// refusals matches the words that package clients print when a server does not take a credential.
var refusals = regpass.Pattern(`(?i)\b(?:http|status|error|code)\b[^0-9\n]{0,30}40[13]\b|\b40[13] (?:client )?error|` +
	`\b(?:40[13] )?(?:unauthorized|forbidden)\b|` +
	`\bauthentication (?:failed|required)\b|\bcredentials (?:not correct|were rejected)\b`)

// refused finds the registry that refused its credential to a step, by the step's name and the end of its output: a
// registry that is named in either, or the only one whose credential was handed out.
func refused(name, tail string, handed []secret.Delivery) refusal {
	r := refusal{words: refusals().FindString(tail),
		hint: "the registry may not let this identity read what the step asks for: `regpass status` shows it. A step keeps " +
			"the credential that it was given: if it ran for longer than the registry's tokens live, split it"}
	if r.words == "" {
		return refusal{}
	}
	hosts := hostsOf(handed)
	named := slices.IndexFunc(hosts, func(h string) bool { return strings.Contains(tail+name, h) })
	switch {
	case named >= 0:
		r.host = hosts[named]
	case len(hosts) == 1:
		r.host = hosts[0]
	default:
		return refusal{}
	}
	return r
}

// hostsOf lists the hosts of the credentials that were handed out, each once.
func hostsOf(handed []secret.Delivery) []string {
	var hosts []string
	for _, d := range handed {
		if d.Host != "" && !slices.Contains(hosts, d.Host) {
			hosts = append(hosts, d.Host)
		}
	}
	return hosts
}

// forbiddenText matches the words of BuildKit when a server does not let it in: for images, for ADD https://… and, in
// git's words, for repositories.
var forbiddenText = regpass.Pattern(`(?i)invalid response status 40[13]|\b40[13] (?:unauthorized|forbidden)|` +
	`insufficient_scope|` +
	`could not read username|authentication failed|returned error: 40[13]`)

// imageHost and urlHost match the host from which a builder fetches, or to which it pushes, by itself.
var (
	imageHost = regpass.Pattern(`(?:failed to push|load metadata for|failed to resolve source metadata for) ` +
		`([A-Za-z0-9._:\[\]-]+)/`)
	urlHost = regpass.Pattern(`https?://(?:[^/\s"']*@)?([A-Za-z0-9._:\[\]-]+)`)
)

// forbidden finds the host that did not let the builder itself in, by the step's name and the text of its error. It
// ignores refusals that a command of a step met.
func forbidden(name, text string, handed []secret.Delivery) refusal {
	words := forbiddenText().FindString(text)
	if words == "" || strings.Contains(text, "did not complete successfully") {
		return refusal{}
	}
	if m := imageHost().FindStringSubmatch(name + "\n" + text); m != nil {
		return refusal{m[1], words, fmt.Sprintf("`docker login %s`, or name it with --registry; if it is named, this "+
			"identity may lack the right: `regpass status` shows it", m[1])}
	}
	m := urlHost().FindStringSubmatch(name + "\n" + text)
	if m == nil {
		return refusal{}
	}
	host := m[1]
	if slices.ContainsFunc(handed, func(d secret.Delivery) bool {
		return d.AskedByDaemon() && hostname(d.Host) == hostname(host)
	}) {
		return refusal{host, words, "it was sent the credential for " + host + ", which may not let this identity read " +
			"what the step asks for: `regpass status` shows it"}
	}
	return refusal{host, words, "it was sent no credential: name the registry at " + host + " with --registry; a " +
		"BuildKit older than 0.23 sends none for ADD https://"}
}

// hostname is a host without its port.
func hostname(host string) string { return (&url.URL{Host: host}).Hostname() }

// noVersions is in pip's message when an index has no such package, and also when the index refused to show it. pip
// prints the refusal only with -v (pip, _internal/index/collector.py, _handle_get_simple_fail).
const noVersions = "(from versions: none)"

// explainSilentPip adds a hint that pip does not give: a registry may have refused the credential.
func explainSilentPip(err error, tail string, handed []secret.Delivery) error {
	hosts := hostsOf(handed)
	if len(hosts) == 0 || !strings.Contains(tail, noVersions) {
		return err
	}
	return regpass.Hintf(err, "pip says that there is no such package also where %s refuses the credential; `pip -v` "+
		"in the step shows what it answers, `regpass status` what this identity may read",
		strings.Join(hosts, " or "))
}

// noSecret matches BuildKit's message about a required secret that the session does not have (BuildKit,
// session/secrets/secrets.go).
var noSecret = regpass.Pattern(`secret ([^\s:]+): not found`)

// explainMissingSecret adds to the error of a step that lacks a required secret how to provide it.
func explainMissingSecret(err error, text string) error {
	m := noSecret().FindStringSubmatch(text)
	if m == nil {
		return err
	}
	return regpass.Hintf(err, "the build does not have the secret %s: --registry provides netrc, rattler and "+
		"the other ids in `regpass help secrets`, --secret id=…,src=FILE provides any other",
		regpass.Quote(m[1]))
}
