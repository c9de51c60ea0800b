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

// entry is one id and its answer: a part of a credential, a client's file, or the user's own secret.
type entry struct {
	Secret
	from     []int        // sources whose credentials are in it, by index: one for a part, all for a file
	part     value        // of the credential
	client   envsync.Sink // whose file it is; zero: it is no file
	conflict bool         // two credentials claim this id, so it is answered with neither
	user     *UserDefined // from --secret; nil: it is ours
}

// list holds the secrets that a build may ask for. It follows from the sources alone; nothing is minted.
type list struct {
	tenant   string
	entries  []*entry // in the order to show them
	byID     map[string]*entry
	warnings []string
}

// newList lists the secrets that a build may ask for. Names that the user chose and that clash are ErrUsage.
func newList(sources []Source, tenant string) (*list, error) {
	l := &list{tenant: tenant, byID: map[string]*entry{}}
	for _, v := range values {
		if err := l.addValues(v, sources); err != nil {
			return nil, err
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

// add adds e in place of the entry that had its id.
func (l *list) add(e *entry) {
	if old := l.byID[e.ID]; old != nil {
		l.entries = slices.DeleteFunc(l.entries, func(e *entry) bool { return e == old })
	}
	l.entries = append(l.entries, e)
	l.byID[e.ID] = e
}

// addValues adds a part of the credential of each source.
func (l *list) addValues(v value, sources []Source) error {
	for i, src := range sources {
		for _, name := range v.names(src) {
			if err := l.addValue(v, v.secret(name), sources, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// addValue adds a part of the credential of sources[i]. An id that two credentials claim is answered with neither,
// since nobody can tell which is meant. If the user chose the name, that is an error.
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
		return regpass.Hintf(regpass.Usagef("secrets: %s and %s have two credentials, and both would be %s", first.Ref,
			src.Ref, secret.Env),
			"give each a name=INDEX of its own")
	default:
		if v.use == ForClient && !other.conflict {
			l.warnings = append(l.warnings, fmt.Sprintf("steps of a build get no %s, since %s and %s have different "+
				"credentials; mount the file of a client, or the secret of a host", secret.Env, first.Ref, src.Ref))
		}
		other.conflict = true
	}
	return nil
}

// addFile adds the file of a client, with the credentials of all sources.
func (l *list) addFile(client envsync.Sink, sources []Source) {
	if client.Build.ID == "" {
		return
	}
	e := &entry{client: client, Secret: Secret{ID: l.tenantID(client.Build.ID), Use: ForClient,
		Target: client.Build.Target, Var: client.Var, Dir: client.MountDir()}}
	if e.Dir != "" {
		e.Use = ForStep // a step must mount the folder too
	}
	for i, src := range sources {
		e.from, e.Hosts = append(e.from, i), union(e.Hosts, src.hosts())
		l.warnPorts(client, src)
	}
	l.add(e)
}

// warnPorts warns of the source's hosts that a client's file does without; see envsync.Entry.CheckPorts.
func (l *list) warnPorts(client envsync.Sink, src Source) {
	for _, host := range src.hosts() {
		e := envsync.Entry{Ref: src.Ref, Cred: regpass.Credential{Host: host}}
		if err := e.CheckPorts(); err != nil && client.Format.NoPorts {
			l.warnings = union(l.warnings, []string{envsync.LeftOut(fmt.Errorf("%s: %w", client.Name, err))})
		}
	}
}

// held is a credential with its source.
type held struct {
	source Source
	cred   regpass.Credential
}

// content returns the value of the entry, made of the credentials of its sources, and the credentials that are in it.
func (e *entry) content(from []held) ([]byte, []regpass.Credential, error) {
	if e.client.File != "" {
		return fileContent(e.client.Format, from)
	}
	text, err := e.part.content(from[0].cred)
	return text, []regpass.Credential{from[0].cred}, err
}

// content returns the part of a credential. A part that the credential does not have is secrets.ErrNotFound if BuildKit
// itself asks, since it then tries another id.
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

// fileContent returns the file with the credentials that the format can hold, and those credentials.
func fileContent(f envsync.Format, from []held) ([]byte, []regpass.Credential, error) {
	var entries []envsync.Entry
	var creds []regpass.Credential
	var causes []error
	for _, h := range from {
		var fitting []envsync.Entry
		for _, cred := range h.cred.PerHost() {
			e := envsync.Entry{Ref: h.source.Ref, Cred: cred, ClientVar: h.source.ClientVar}
			if _, err := f.Set(nil, []envsync.Entry{e}); err != nil {
				causes = append(causes, err)
				continue
			}
			fitting = append(fitting, e)
		}
		if len(fitting) > 0 {
			entries, creds = append(entries, fitting...), append(creds, h.cred)
		}
	}
	if len(entries) == 0 {
		return nil, nil, &formatError{"no credential of this build can be written in such a file; mount another id",
			errors.Join(causes...)}
	}
	content, err := f.Set(nil, entries)
	if err != nil {
		return nil, nil, &formatError{"the credentials of this build can't be written in one such file; mount another id",
			err}
	}
	return content, creds, nil
}

// formatError says that a file format cannot hold the credentials. The build sees only text, the user sees cause.
type formatError struct {
	text  string
	cause error
}

func (e *formatError) Error() string { return e.text }

// forBuild checks an answer, and names the secret in an error. ErrNotFound stays as it is.
func forBuild(id string, content []byte, err error) error {
	err = check(content, err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, secrets.ErrNotFound):
		return secrets.ErrNotFound
	}
	return fmt.Errorf("regpass: secret %s: %w", id, err)
}

// check checks the size of an answer that has no error yet.
func check(content []byte, err error) error {
	if err == nil && len(content) > secretsprovider.MaxSecretSize {
		return fmt.Errorf("it is larger than the %d bytes that BuildKit takes", secretsprovider.MaxSecretSize)
	}
	return err
}

// union appends the elements of more that are new.
func union(all, more []string) []string {
	for _, m := range more {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return all
}
