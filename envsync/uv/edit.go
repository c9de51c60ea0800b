package uv

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// service is the root URL of the credential's server. uv takes http only for localhost and 127.0.0.1.
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
		c, err := credentialFor(services[i], e.Cred)
		if err != nil {
			return nil, regpass.Hintf(fmt.Errorf("uv: %s: %w", e.Ref, err), "other sinks: netrc, rattler, env")
		}
		all = append(all, c)
	}
	return all, nil
}

func credentialFor(service string, cred regpass.Credential) (credential, error) {
	secret := cred.Secret.Reveal()
	c := credential{Service: service, Scheme: string(cred.Kind)}
	switch cred.Kind {
	case regpass.Bearer:
		if strings.Contains(secret, " ") {
			return credential{}, errors.New("the token holds a space")
		}
		c.Token = &secret
	case regpass.Basic:
		if err := envsync.CheckUserName(cred.Username); err != nil {
			return credential{}, fmt.Errorf("the user name %w", err)
		}
		c.Username, c.Password = &cred.Username, &secret
	default:
		return credential{}, fmt.Errorf("uv has no %s credentials", cred.Kind)
	}
	if err := envsync.CheckPrintable(secret); err != nil {
		return credential{}, fmt.Errorf("the secret %w", err)
	}
	return c, nil
}

// copyOthers copies a store without the credentials for the servers of want. A credential with a longer path would win
// over ours, and uv ignores two credentials with one path. dropped lists the services that were left out, but for
// those of an earlier login with the same credential.
func copyOthers(old []byte, want []credential) (base []byte, dropped []string, err error) {
	f, err := parse(old)
	if err != nil {
		return nil, nil, err
	}
	var kept store
	for _, c := range f.Credential {
		realm, _ := c.realm()
		if slices.ContainsFunc(want, func(w credential) bool { r, _ := w.realm(); return r == realm }) {
			if !slices.ContainsFunc(want, func(w credential) bool { return reflect.DeepEqual(w, c) }) {
				dropped = append(dropped, c.Service)
			}
			continue
		}
		kept.Credential = append(kept.Credential, c)
	}
	if kept.Credential == nil {
		return nil, dropped, nil
	}
	return kept.encode(), dropped, nil
}

// set is envsync.Format.Set for the text store. The file is always private, so it is written anew.
func set(old []byte, entries []envsync.Entry) ([]byte, error) {
	want, err := credentials(entries)
	if err != nil {
		return nil, err
	}
	return merge(old, want)
}

// merge puts each credential in the place of the first one for its service, or at the end.
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

// restore is envsync.Format.Restore for the text store.
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
