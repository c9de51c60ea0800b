package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/buildkit/session/secrets"
	"github.com/moby/buildkit/session/secrets/secretsprovider"

	"github.com/regpass/regpass"
)

// addUserDefined offers a secret from --secret. For an id that BuildKit asks for by itself (GIT_AUTH_TOKEN and the like)
// the user's goes before ours: the user named it, and we only guessed.
func (s *Store) addUserDefined(u UserDefined) error {
	id := u.ID
	if !askedByDaemon(id) {
		id = s.tenantID(id)
	}
	bare := u.Src == "" && u.Env == ""
	switch other := s.byID[id]; {
	case other == nil:
	case other.userDefined || other.Use != ForDaemon && !bare:
		return regpass.Hintf(regpass.Usagef("--secret: there is a secret %s already", regpass.Quote(u.ID)), "give yours another id")
	case other.Use != ForDaemon:
		return nil // named, and here already
	}
	secret := Secret{ID: id, Use: ForStep, Target: secretsDir + notInID().ReplaceAllString(u.ID, "_")}
	k := slices.IndexFunc(keys, func(k key) bool { return k.id == u.ID })
	switch {
	case !bare:
	case k >= 0:
		secret.Env = keys[k].env
		if u.Env, _ = s.env.Lookup(keys[k].from...); u.Env == "" {
			return regpass.Usagef("--secret: %s is asked for, but %s is not set", u.ID, strings.Join(keys[k].from, " or "))
		}
		s.warnings = append(s.warnings, fmt.Sprintf("%s gives a step an API key that outlives the build; prefer the registry's token", u.ID))
	case s.env.Getenv(u.ID) != "":
		u.Env = u.ID
	default:
		u.Src = u.ID
	}
	e := &entry{Secret: secret, userDefined: true}
	var err error
	if u.Env != "" {
		e.resolve = s.variable(u)
	} else {
		e.resolve, err = s.content(u)
	}
	if err == nil {
		s.add(e)
	}
	return err
}

// askedByDaemon reports whether BuildKit asks for the id by itself, for every source of that kind or for one host.
func askedByDaemon(id string) bool {
	return slices.ContainsFunc([]string{"HTTP_AUTH_TOKEN", "HTTP_AUTH_HEADER", "GIT_AUTH_TOKEN", "GIT_AUTH_HEADER"},
		func(p string) bool { return strings.HasPrefix(id, p) })
}

// variable answers with the user's variable. One that is not set is no secret, where buildx has an empty one.
func (s *Store) variable(u UserDefined) resolve {
	if s.env.Getenv(u.Env) == "" {
		s.warnings = append(s.warnings, fmt.Sprintf("--secret: %s is not set, so there is no secret %s", regpass.Quote(u.Env), regpass.Quote(u.ID)))
	}
	return func(context.Context) ([]byte, []regpass.Credential, error) {
		v := s.env.Getenv(u.Env)
		if v == "" {
			return nil, nil, secrets.ErrNotFound
		}
		return []byte(v), nil, nil
	}
}

// content answers with what the user's file holds at that time, so that whoever keeps it fresh is heard.
func (s *Store) content(u UserDefined) (resolve, error) {
	path := u.Src
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.env.Dir, path)
	}
	switch st, err := os.Stat(path); {
	case err != nil:
		return nil, regpass.Hintf(regpass.Usagef("--secret: %s: %w", regpass.Quote(u.ID), err), "src=FILE names a file and env=VARIABLE a variable")
	case st.IsDir():
		return nil, regpass.Usagef("--secret: %s: %s is a folder", regpass.Quote(u.ID), path)
	case st.Size() > secretsprovider.MaxSecretSize:
		return nil, regpass.Usagef("--secret: %s: %s is larger than the %d bytes that BuildKit takes", regpass.Quote(u.ID), path, secretsprovider.MaxSecretSize)
	}
	return func(context.Context) ([]byte, []regpass.Credential, error) {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, errors.New("its file is gone since the build began")
		}
		var content []byte
		if err == nil {
			defer f.Close()
			content, err = io.ReadAll(io.LimitReader(f, secretsprovider.MaxSecretSize+1))
		}
		if err != nil {
			return nil, nil, errors.New("its file can't be read any more")
		}
		return content, nil, nil
	}, nil
}
