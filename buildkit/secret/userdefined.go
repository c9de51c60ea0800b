package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/moby/buildkit/session/secrets"
	"github.com/moby/buildkit/session/secrets/secretsprovider"

	"github.com/regpass/regpass"
)

// addUserDefined adds a secret from --secret. If the user passes one for an id that BuildKit asks for by itself
// (GIT_AUTH_TOKEN and the like), theirs wins: they named it, we only guessed.
func (s *Store) addUserDefined(u UserDefined) error {
	id := u.ID
	if !askedByDaemon(id) {
		id = s.tenantID(id)
	}
	bare := u.Src == "" && u.Env == ""
	switch other := s.byID[id]; {
	case other == nil:
	case other.user != nil || other.Use != ForDaemon && !bare:
		return regpass.Hintf(regpass.Usagef("--secret: there is a secret %s already", regpass.Quote(u.ID)),
			"give yours another id")
	case other.Use != ForDaemon:
		return nil // one of ours, which the user may name
	}
	secret := Secret{ID: id, Use: ForStep, Target: secretsDir + notInID().ReplaceAllString(u.ID, "_")}
	k := slices.IndexFunc(apiKeys, func(k apiKey) bool { return k.id == u.ID })
	switch {
	case !bare:
	case k >= 0:
		secret.Env = apiKeys[k].env
		if u.Env, _ = s.env.Lookup(apiKeys[k].from...); u.Env == "" {
			return regpass.Usagef("--secret: %s is asked for, but %s is not set", u.ID, strings.Join(apiKeys[k].from, " or "))
		}
		s.warnings = append(s.warnings, fmt.Sprintf("%s gives a step an API key that outlives the build; prefer the "+
			"registry's token", u.ID))
	case s.env.Getenv(u.ID) != "":
		u.Env = u.ID
	default:
		u.Src = u.ID
	}
	if err := s.checkUserDefined(u); err != nil {
		return err
	}
	s.add(&entry{Secret: secret, user: &u})
	return nil
}

// askedByDaemon reports whether BuildKit asks for the id by itself, for every source of that kind or for one host.
func askedByDaemon(id string) bool {
	return slices.ContainsFunc([]string{"HTTP_AUTH_TOKEN", "HTTP_AUTH_HEADER", "GIT_AUTH_TOKEN", "GIT_AUTH_HEADER"},
		func(p string) bool { return strings.HasPrefix(id, p) })
}

// checkUserDefined checks the user's file before the build. A variable that is not set gives no secret and a warning;
// buildx would give an empty secret.
func (s *Store) checkUserDefined(u UserDefined) error {
	if u.Env != "" {
		if s.env.Getenv(u.Env) == "" {
			s.warnings = append(s.warnings, fmt.Sprintf("--secret: %s is not set, so there is no secret %s",
				regpass.Quote(u.Env), regpass.Quote(u.ID)))
		}
		return nil
	}
	path := s.env.Abs(u.Src)
	switch st, err := os.Stat(path); {
	case err != nil: // a secret may stand in the place of the path
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return regpass.Hintf(regpass.Usagef("--secret: %s: src= names no file: %w", regpass.Quote(u.ID), err),
			"src=FILE names a file and env=VARIABLE a variable")
	case st.IsDir():
		return regpass.Usagef("--secret: %s: %s is a folder", regpass.Quote(u.ID), path)
	case st.Size() > secretsprovider.MaxSecretSize:
		return regpass.Usagef("--secret: %s: %s is larger than the %d bytes that BuildKit takes", regpass.Quote(u.ID), path,
			secretsprovider.MaxSecretSize)
	}
	return nil
}

// userContent returns the user's variable, or the content that their file has now: it may have been renewed.
func (s *Store) userContent(u UserDefined) ([]byte, error) {
	if u.Env != "" {
		if v := s.env.Getenv(u.Env); v != "" {
			return []byte(v), nil
		}
		return nil, secrets.ErrNotFound
	}
	content, err := regpass.ReadFile(s.env.Abs(u.Src), secretsprovider.MaxSecretSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("its file is gone since the build began")
	case errors.Is(err, regpass.ErrTooLong):
		return nil, fmt.Errorf("its file is larger than the %d bytes that BuildKit takes", secretsprovider.MaxSecretSize)
	case err != nil:
		return nil, errors.New("its file can't be read any more")
	}
	return content, nil
}
