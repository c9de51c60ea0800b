// Package rattler answers "how is a credential written in rattler's JSON file?". pixi and rattler-build read that file.
package rattler

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/netrc"
)

// Exact writes credentials under their hosts. Wildcard also writes them for the subdomains of each host.
var (
	Exact = envsync.Format{Name: "rattler", NoPorts: true,
		Set: exact.set, Restore: restore, Keys: exact.keys}
	Wildcard = envsync.Format{Name: "rattler-wildcard", NoPorts: true,
		Set: wildcard.set, Restore: restore, Keys: wildcard.keys}
)

// Plan plans a private file that also holds the content of the one in RATTLER_AUTH_FILE, or a change of rattler's own
// file.
func Plan(env *regpass.Env, private envsync.Private, entries []envsync.Entry, o envsync.Options) (envsync.Plan, error) {
	if o.Wildcard {
		private.Format = Wildcard
	}
	from := env.Getenv("RATTLER_AUTH_FILE")
	if from != "" {
		from = env.Abs(from)
	}
	_, inPlace := o.InPlace["rattler"]
	if inPlace {
		if from = home(env); from == "" {
			return envsync.Plan{}, regpass.Usagef("rattler: there is no home folder with a .rattler/credentials.json")
		}
	}
	old, err := envsync.ReadExisting(from)
	if err != nil {
		return envsync.Plan{}, fmt.Errorf("rattler: %w", err)
	}
	if _, err := private.Format.Set(old, entries); err != nil {
		if old != nil {
			err = fmt.Errorf("%s is left as it is: %w", from, err)
		}
		return envsync.Plan{}, err
	}
	notes := warnings(env, entries, inPlace, o)
	if inPlace {
		c := envsync.Change{Path: from, Format: private.Format, Entries: entries}
		return envsync.Plan{Changes: []envsync.Change{c}, Warnings: notes}, nil
	}
	return private.Plan(entries, old, from, notes), nil
}

// warnings lists the cases in which pixi does not do what people expect.
func warnings(env *regpass.Env, entries []envsync.Entry, inPlace bool, o envsync.Options) (all []string) {
	warn := func(format string, args ...any) {
		if w := "rattler: " + fmt.Sprintf(format, args...); !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	if home := home(env); home != "" && !inPlace {
		if old, err := envsync.ReadExisting(home); err != nil {
			warn("pixi fails if it cannot read this file: %v", err)
		} else if old != nil {
			if _, err := parse(old); err != nil {
				warn("pixi fails while %s is malformed: %v", home, err)
			}
		}
	}
	var first []envsync.Member // rattler reads this file before it reads ~/.rattler
	if from := env.Getenv("RATTLER_AUTH_FILE"); from != "" && inPlace {
		old, _ := envsync.ReadExisting(env.Abs(from))
		first, _ = parse(old)
	}
	// A netrc that cannot be read does not matter: rattler ignores it.
	old, _ := envsync.ReadExisting(netrc.Path(env))
	others := netrc.Hosts(old)
	for _, e := range entries {
		key, err := keyOf(e)
		if err != nil {
			continue
		}
		if key == "prefix.dev" || strings.HasSuffix(key, ".prefix.dev") {
			warn("the credential for %s keeps pixi from getting its own by OpenID Connect there, also once it has expired", key)
		}
		if e.Cred.Kind == regpass.CondaToken && servesPyPI(key, entries) {
			warn("%s also serves a PyPI index; "+
				"pixi puts the conda token into the path of those requests too and breaks them", key)
		}
		if e.Ref.User != "" && servesPyPI(key, []envsync.Entry{e}) {
			warn("pixi sends no credential to a PyPI index whose URL has a user name; take %s@ out of it",
				url.User(e.Ref.User))
		}
		if e.Cred.Kind == regpass.S3 {
			warn("pixi reads %s with this credential only if s3-options are set for the bucket; "+
				"rattler before February 2025 rejects the whole file", key)
		}
		if o.Wildcard && !wildcardable(key) {
			warn("there is no wildcard for %s", key)
		}
		if o.Wildcard && wildcardable(key) && (key == "amazonaws.com" || strings.HasSuffix(key, ".amazonaws.com")) {
			warn("*.%s may also match presigned S3 requests and add a second credential to them; use the exact host", key)
		}
		if slices.ContainsFunc(first, func(m envsync.Member) bool { return m.Name == key }) {
			warn("the file that RATTLER_AUTH_FILE names has an entry for %s, which wins over ours", key)
		}
		if slices.Contains(others, key) && !inNetrc(e, o) {
			warn("%s has an entry for %s too; rattler takes ours, other clients take that one", netrc.Path(env), key)
		}
	}
	return all
}

// inNetrc reports whether the private netrc of the same run gives the credential to the other clients, too.
func inNetrc(e envsync.Entry, o envsync.Options) bool {
	_, inPlace := o.InPlace["netrc"]
	return slices.Contains(o.Sinks, "netrc") && !inPlace && netrc.Private.Carries(e) == nil
}

// servesPyPI guesses from the paths of the refs whether the host also serves a PyPI index.
func servesPyPI(host string, entries []envsync.Entry) bool {
	return slices.ContainsFunc(entries, func(e envsync.Entry) bool {
		h, err := e.Host()
		if e.Ref.URL == nil {
			return false
		}
		path := e.Ref.URL.Path + "/"
		return err == nil && h == host && (strings.Contains(path, "/simple/") || strings.Contains(path, "/pypi/"))
	})
}

// home is the path of the file in which rattler keeps logins if there is no keyring, or ""
// (rattler_networking/src/authentication_storage/backends/file.rs).
func home(env *regpass.Env) string {
	if env.Home == "" {
		return ""
	}
	return filepath.Join(env.Home, ".rattler", "credentials.json")
}
