package cli

import (
	"net/url"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/project"
)

// checkIndexNames refuses a registry whose name=INDEX is also the name of an index on another origin in uv's files
// around the working directory or around a folder or file that one of words leads to. uv sends the variables of a name,
// UV_INDEX_<NAME>_PASSWORD, to the URL that those files give it, and whoever writes the checkout writes those files.
func (a *app) checkIndexNames(refs []regpass.Ref, words ...string) error {
	named := map[string]regpass.Ref{} // by variable: acme.main and acme-main have one
	for _, r := range refs {
		if name, ok := r.Options["name"]; ok && r.Trusted {
			_, variable := envsync.IndexVars(name)
			named[variable] = r
		}
	}
	if len(named) == 0 {
		return nil
	}
	found, err := project.UVIndexes(a.env, append([]string{a.env.Dir}, words...)...)
	if err != nil {
		return regpass.Hintf(err, "take name= out of the registry: it is only needed for UV_INDEX_<NAME>_…")
	}
	for _, index := range found {
		_, variable := envsync.IndexVars(index.Name)
		r, ok := named[variable]
		if !ok || sameOrigin(r, index.URL) {
			continue
		}
		err := regpass.Usagef("the index %s in %s is not on %s: uv would send %s to it",
			regpass.Quote(index.Name), index.Origin, regpass.Quote(r.Host), variable)
		return regpass.Hintf(err, "correct the file, or take name= out of the registry: the sink uv needs none, "+
			"and its file is bound to the host")
	}
	return nil
}

// sameOrigin reports whether a URL in uv's files has the scheme, host and port of r.
func sameOrigin(r regpass.Ref, text string) bool {
	u, err := url.Parse(text)
	if err != nil || !strings.EqualFold(u.Scheme, r.URL.Scheme) {
		return false
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	other, err := regpass.ParseRef(u.Scheme + "://" + u.Host + "/")
	return err == nil && other.Host == r.Host
}
