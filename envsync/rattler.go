package envsync

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regpass/regpass"
)

// planRattler makes a private file that also holds what RATTLER_AUTH_FILE names now, or changes rattler's own.
func planRattler(env *regpass.Env, dir string, entries []Entry, o Options) (Plan, error) {
	keys, format := rattlerExact, "rattler"
	if o.Wildcard {
		keys, format = rattlerWildcard, "rattler-wildcard"
	}
	home := rattlerHome(env)
	if o.RattlerHome && home == "" {
		return Plan{}, regpass.Usagef("rattler: there is no home folder with a .rattler/credentials.json")
	}
	path := filepath.Join(dir, "rattler.json")
	c := Change{Path: path, Own: true, Format: format, Entries: entries}
	from := env.Getenv("RATTLER_AUTH_FILE")
	if from != "" {
		from = env.Abs(from)
	}
	if o.RattlerHome {
		path, from = home, home
		c = Change{Path: path, Format: format, Entries: entries}
	}
	old, err := existing(from)
	if err != nil {
		return Plan{}, fmt.Errorf("rattler: %w", err)
	}
	if _, err := keys.set(old, entries); err != nil {
		if old != nil {
			err = fmt.Errorf("%s is left as it is: %w", from, err)
		}
		return Plan{}, err
	}
	p := Plan{Changes: []Change{c}, Warnings: rattlerWarnings(env, entries, o)}
	if c.Own {
		p.Changes[0].Base = old
		p.Vars = []Var{{Name: "RATTLER_AUTH_FILE", Plain: path}}
	}
	return p, nil
}

// rattlerWarnings says where pixi does something else than one would think. One case is out of sight here: a user
// name in the URL of a PyPI index keeps rattler's credentials off its requests, but a Ref has lost that name.
func rattlerWarnings(env *regpass.Env, entries []Entry, o Options) (all []string) {
	warn := func(format string, args ...any) {
		if w := "rattler: " + fmt.Sprintf(format, args...); !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	if home := rattlerHome(env); home != "" && !o.RattlerHome {
		if old, err := existing(home); err != nil {
			warn("pixi fails with every file that it cannot read: %v", err)
		} else if old != nil {
			if _, err := parseRattler(old); err != nil {
				warn("pixi fails while %s is malformed: %v", home, err)
			}
		}
	}
	var first []member // rattler looks here before it looks into ~/.rattler
	if from := env.Getenv("RATTLER_AUTH_FILE"); from != "" && o.RattlerHome {
		old, _ := existing(env.Abs(from))
		first, _ = parseRattler(old)
	}
	// A netrc that cannot be read is of no weight here: rattler ignores it.
	old, _ := existing(netrcPath(env))
	netrc, _ := parseNetrc(old)
	for _, e := range entries {
		key, err := rattlerKey(e)
		if err != nil {
			continue
		}
		if key == "prefix.dev" || strings.HasSuffix(key, ".prefix.dev") {
			warn("the credential for %s keeps pixi from getting its own by OpenID Connect there, also once it has expired", key)
		}
		if e.Cred.Kind == regpass.CondaToken && servesPyPI(key, entries) {
			warn("%s also serves a PyPI index; pixi puts the conda token into the path of those requests too and breaks them", key)
		}
		if e.Cred.Kind == regpass.S3 {
			warn("pixi reads %s with this credential only if s3-options are set for the bucket; rattler before February 2025 rejects the whole file", key)
		}
		if o.Wildcard && !wildcardable(key) {
			warn("there is no wildcard for %s", key)
		}
		if o.Wildcard && wildcardable(key) && (key == "amazonaws.com" || strings.HasSuffix(key, ".amazonaws.com")) {
			warn("*.%s may also match presigned S3 requests and add a second credential to them; use the exact host", key)
		}
		if slices.ContainsFunc(first, func(m member) bool { return m.name == key }) {
			warn("the file that RATTLER_AUTH_FILE names has an entry for %s, which wins over ours", key)
		}
		if slices.ContainsFunc(netrc.entries, func(m netrcEntry) bool { return !m.isDefault && m.head.text == key }) {
			warn("%s has an entry for %s too; rattler takes ours, other clients take that one", netrcPath(env), key)
		}
	}
	return all
}

// servesPyPI guesses by the paths that were named for a host.
func servesPyPI(host string, entries []Entry) bool {
	return slices.ContainsFunc(entries, func(e Entry) bool {
		h, err := e.host()
		if e.Ref.URL == nil {
			return false
		}
		path := e.Ref.URL.Path + "/"
		return err == nil && h == host && (strings.Contains(path, "/simple/") || strings.Contains(path, "/pypi/"))
	})
}
