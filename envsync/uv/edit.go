package uv

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// service is the root of the server that a credential is for. uv takes http only for localhost and 127.0.0.1.
func service(e envsync.Entry) (string, error) {
	host, err := e.Host()
	if err != nil {
		return "", err
	}
	scheme := "https"
	switch {
	case e.Ref.URL != nil && e.Ref.URL.Host == e.Cred.Host:
		scheme = e.Ref.URL.Scheme
	case regpass.Loopback(strings.Trim(host, "[]")):
		scheme = "http"
	}
	service := scheme + "://" + e.Cred.Host + "/"
	if _, err := (credential{Service: service}).realm(); err != nil {
		return "", fmt.Errorf("%s: %w; uv speaks http only to localhost and 127.0.0.1", service, err)
	}
	return service, nil
}

func credentials(entries []envsync.Entry) ([]credential, error) {
	services, entries, err := envsync.Distinct("uv", entries, service)
	if err != nil {
		return nil, err
	}
	var all []credential
	for i, e := range entries {
		secret := e.Cred.Secret.Reveal()
		c := credential{Service: services[i], Scheme: string(e.Cred.Kind)}
		switch e.Cred.Kind {
		case regpass.Bearer:
			c.Token = &secret
			if strings.Contains(secret, " ") {
				err = errors.New("the token holds a space")
			}
		case regpass.Basic:
			c.Username, c.Password = &e.Cred.Username, &secret
			if why := envsync.UserName(e.Cred.Username); why != "" {
				err = fmt.Errorf("the user name %s", why)
			}
		default:
			err = fmt.Errorf("uv has no %s credentials", e.Cred.Kind)
		}
		if why := envsync.Printable(secret); err == nil && why != "" {
			err = fmt.Errorf("the secret %s", why)
		}
		if err != nil {
			return nil, regpass.Hintf(fmt.Errorf("uv: %s: %w", e.Ref, err), "other sinks: netrc, rattler, env")
		}
		all = append(all, c)
	}
	return all, nil
}

// carry rewrites a store without the entries of the servers we bring a credential for: one with a longer path would
// win over ours, and two with one path are none to uv. It lists the services it left out.
func carry(old []byte, want []credential) (base []byte, left []string, err error) {
	f, err := parse(old)
	if err != nil {
		return nil, nil, err
	}
	var kept store
	for _, c := range f.Credential {
		realm, _ := c.realm()
		if slices.ContainsFunc(want, func(w credential) bool { r, _ := w.realm(); return r == realm }) {
			left = append(left, c.Service)
			continue
		}
		kept.Credential = append(kept.Credential, c)
	}
	if kept.Credential == nil {
		return nil, left, nil
	}
	return kept.encode(), left, nil
}

// set is Set for the text store. The file is always our own, so it is written anew, in the shape of carry.
func set(old []byte, entries []envsync.Entry) ([]byte, error) {
	want, err := credentials(entries)
	if err != nil {
		return nil, err
	}
	return merge(old, want)
}

// merge puts each credential where its service stood first, or at the end.
func merge(old []byte, want []credential) ([]byte, error) {
	f, err := parse(old)
	if err != nil {
		return nil, fmt.Errorf("uv: %w", err)
	}
	for _, w := range want {
		is := func(c credential) bool { return c.Service == w.Service }
		at := slices.IndexFunc(f.Credential, is)
		f.Credential = slices.DeleteFunc(f.Credential, is)
		if at < 0 {
			at = len(f.Credential)
		}
		f.Credential = slices.Insert(f.Credential, at, w)
	}
	return f.encode(), nil
}

// restore is Restore for the text store.
func restore(now, before []byte, services []string) ([]byte, error) {
	if now == nil {
		return nil, nil
	}
	is, err := parse(now)
	if err != nil {
		return nil, fmt.Errorf("uv: %w", err)
	}
	was, err := parse(before)
	if err != nil {
		return nil, fmt.Errorf("uv: %w", err)
	}
	ours := func(c credential) bool { return slices.Contains(services, c.Service) }
	theirs := func(c credential) bool { return !ours(c) }
	redone, err := merge(before, slices.DeleteFunc(slices.Clone(is.Credential), theirs))
	if err == nil && bytes.Equal(redone, now) {
		return before, nil
	}
	left := slices.DeleteFunc(is.Credential, ours)
	left = append(left, slices.DeleteFunc(was.Credential, theirs)...)
	if before == nil && len(left) == 0 {
		return nil, nil
	}
	return store{left}.encode(), nil
}

func keys(entries []envsync.Entry) []string {
	var keys []string
	for _, e := range entries {
		if service, err := service(e); err == nil {
			keys = append(keys, service)
		}
	}
	return keys
}
