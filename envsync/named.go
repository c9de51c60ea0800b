package envsync

import (
	"maps"
	"net/url"
	"strings"

	"github.com/regpass/regpass"
)

// ByName are the credentials for the registries that a client's files name, by those names: of the entries for a named
// URL's host, the one whose registry's path is the longest that the URL's lies below, or else the first. A name that is
// also given to a URL of another host counts for nothing: which of the two the client takes is the client's to say.
func ByName(client string, names []regpass.Named, entries []Entry) map[string]Entry {
	all := map[string]Entry{}
	hosts := map[string]string{} // by name without case, as nuget compares them
	several := map[string]bool{}
	for _, n := range names {
		if n.Client != client {
			continue
		}
		key, host := strings.ToLower(n.Name), ""
		if u, err := url.Parse(n.URL); err == nil {
			if e, ok := longest(u, entries); ok {
				all[n.Name], host = e, e.Cred.Host
			}
		}
		was, twice := hosts[key]
		several[key] = several[key] || twice && was != host
		hosts[key] = host
	}
	maps.DeleteFunc(all, func(name string, _ Entry) bool { return several[strings.ToLower(name)] })
	return all
}

// Depth is the length of the registry's path if a path of its host lies below it, otherwise 0.
func (e Entry) Depth(path string) int {
	if base := strings.TrimRight(e.Ref.URL.Path, "/") + "/"; strings.HasPrefix(path+"/", base) {
		return len(base)
	}
	return 0
}

// longest picks the entry for a URL.
func longest(u *url.URL, entries []Entry) (best Entry, ok bool) {
	ref, err := regpass.ParseRef((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
	if err != nil {
		return Entry{}, false
	}
	depth := -1
	for _, e := range entries {
		if e.Cred.Host != ref.Host {
			continue
		}
		if at := e.Depth(ref.URL.Path); at > depth {
			best, ok, depth = e, true, at
		}
	}
	return best, ok
}
