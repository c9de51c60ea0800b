package secret

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/session/secrets"
	"github.com/moby/buildkit/session/secrets/secretsprovider"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/envsync/clients"
)

// entry is one id and how it is answered: with a part of a credential, with a client's file, or with the user's own.
type entry struct {
	Secret
	from     []int        // sources whose credentials are in it, by index: one for a part, all for a file
	part     value        // of the credential
	client   envsync.Sink // whose file it is; zero: it is no file
	conflict bool         // two credentials would have this id, so nobody gets either by it
	user     *UserDefined // from --secret; nil: it is ours
}

// list is what may be asked for. It is worked out of the sources alone: nothing is minted.
type list struct {
	tenant   string
	entries  []*entry // in the order to show them
	byID     map[string]*entry
	warnings []string
}

// newList lists what a build may ask for. Names that the user chose and that clash are ErrUsage.
func newList(sources []Source, tenant string) (*list, error) {
	l := &list{tenant: tenant, byID: map[string]*entry{}}
	for _, v := range values {
		for i, src := range sources {
			for _, name := range v.names(src) {
				if err := l.addValue(v, v.secret(name), sources, i); err != nil {
					return nil, err
				}
			}
		}
	}
	if len(sources) > 0 {
		for _, c := range clients.All {
			l.addFile(c, sources)
		}
	}
	return l, nil
}

// tenantID is the id that a step of this tenant mounts.
func (l *list) tenantID(id string) string {
	if l.tenant == "" {
		return id
	}
	return id + "-" + l.tenant
}

// add offers e, instead of the entry that had its id.
func (l *list) add(e *entry) {
	if old := l.byID[e.ID]; old != nil {
		l.entries = slices.DeleteFunc(l.entries, func(e *entry) bool { return e == old })
	}
	l.entries = append(l.entries, e)
	l.byID[e.ID] = e
}

// addValue offers a part of the credential of sources[i]. Where two credentials would go by one name, nobody gets
// either by it, since nobody can tell which is meant. If the user chose the name, that is an error.
func (l *list) addValue(v value, secret Secret, sources []Source, i int) error {
	src := sources[i]
	if v.use != ForDaemon {
		secret.ID = l.tenantID(secret.ID)
	}
	other := l.byID[secret.ID]
	if other == nil {
		secret.Hosts = slices.Clone(src.hosts())
		l.add(&entry{Secret: secret, from: []int{i}, part: v})
		return nil
	}
	switch first := sources[other.from[0]]; {
	case first.key() == src.key():
		other.Hosts = union(other.Hosts, src.hosts())
	case v.named:
		return regpass.Hintf(regpass.Usagef("secrets: %s and %s have two credentials, and both would be %s",
			first.Ref, src.Ref, secret.Env),
			"give each a name=INDEX of its own")
	default:
		if v.use == ForClient && !other.conflict {
			l.warnings = append(l.warnings,
				fmt.Sprintf("steps get no %s, since %s and %s have different credentials; netrc and rattler have both",
					secret.Env, first.Ref, src.Ref))
		}
		other.conflict = true
	}
	return nil
}

// addFile offers the file of a client, for the credentials of all sources.
func (l *list) addFile(client envsync.Sink, sources []Source) {
	if client.Build.ID == "" {
		return
	}
	e := &entry{client: client, Secret: Secret{ID: l.tenantID(client.Build.ID), Use: ForClient,
		Target: client.Build.Target, Var: client.Var, Dir: client.MountDir()}}
	if e.Dir != "" {
		e.Use = ForStep // which must mount the folder too
	}
	for i, src := range sources {
		e.from, e.Hosts = append(e.from, i), union(e.Hosts, src.hosts())
	}
	l.add(e)
}

// held is a credential at hand, with the source that it is from.
type held struct {
	source Source
	cred   regpass.Credential
}

// content is the value of the entry for the credentials of its sources, and the credentials that are in it.
func (e *entry) content(from []held) ([]byte, []regpass.Credential, error) {
	if e.client.File != "" {
		return fileContent(e.client.Format, from)
	}
	text, err := e.part.content(from[0].cred)
	return text, []regpass.Credential{from[0].cred}, err
}

// content is that part of a credential. BuildKit asks for one form after another, so a form that the credential does
// not have is secrets.ErrNotFound to it.
func (v value) content(c regpass.Credential) ([]byte, error) {
	text := v.of(c)
	switch {
	case text == "" && v.use == ForDaemon:
		return nil, secrets.ErrNotFound
	case text == "":
		return nil, fmt.Errorf("%s: its %s credential has no such part; mount netrc or rattler", c.Host, c.Kind)
	case strings.ContainsAny(text, "\x00\r\n"):
		return nil, fmt.Errorf("%s: the credential holds a line break or a NUL, which no variable can carry", c.Host)
	}
	return []byte(text), nil
}

// fileContent makes the file of those credentials that the format can carry.
func fileContent(f envsync.Format, from []held) ([]byte, []regpass.Credential, error) {
	var entries []envsync.Entry
	var creds []regpass.Credential
	var why []error
	for _, h := range from {
		var carried []envsync.Entry
		for _, cred := range h.cred.PerHost() {
			e := envsync.Entry{Ref: h.source.Ref, Cred: cred, ClientVar: h.source.ClientVar}
			if _, err := f.Set(nil, []envsync.Entry{e}); err != nil {
				why = append(why, err)
				continue
			}
			carried = append(carried, e)
		}
		if len(carried) > 0 {
			entries, creds = append(entries, carried...), append(creds, h.cred)
		}
	}
	if len(entries) == 0 {
		return nil, nil, &uncarried{"no credential of this build can be written in such a file; mount another id",
			errors.Join(why...)}
	}
	content, err := f.Set(nil, entries)
	if err != nil {
		return nil, nil, &uncarried{"the credentials of this build can't be written in one such file; mount another id", err}
	}
	return content, creds, nil
}

// uncarried is an error with a text for the build and a cause that the build does not get to know.
type uncarried struct {
	text  string
	cause error
}

func (u *uncarried) Error() string { return u.text }

// forBuild checks the answer for an id, and makes an error say which secret it is about. ErrNotFound stays itself.
func forBuild(id string, content []byte, err error) error {
	switch {
	case errors.Is(err, secrets.ErrNotFound):
		return secrets.ErrNotFound
	case err != nil:
		return fmt.Errorf("regpass: secret %s: %w", id, err)
	case len(content) > secretsprovider.MaxSecretSize:
		return fmt.Errorf("regpass: secret %s: it is larger than the %d bytes that BuildKit takes",
			id, secretsprovider.MaxSecretSize)
	}
	return nil
}

// union appends what is new.
func union(all, more []string) []string {
	for _, m := range more {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return all
}
