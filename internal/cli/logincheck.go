package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/broker"
	"github.com/regpass/regpass/session"
)

// checkLeases shows each credential to its registry once, for `login --check`. One that is refused is taken back.
func (a *app) checkLeases(ctx context.Context, s *session.Session, all []broker.Lease) error {
	for _, l := range all {
		err := a.checkLease(ctx, l)
		if err == nil {
			continue
		}
		if errors.Is(err, regpass.ErrRefused) {
			_, warnings := s.Forget(ctx, l.Target.Ref, l.Target.Hosts, broker.Revoke(a.env), session.Ending{})
			a.warnAll(warnings)
		}
		return err
	}
	return nil
}

// checkLease asks for the registry's URL with its credential, and without. Only a server that refuses the latter has
// looked at the former. Where the registry is not a URL that clients ask, nothing is said of it.
func (a *app) checkLease(ctx context.Context, l broker.Lease) error {
	ref, c := l.Target.Ref, l.Cred
	with := regpass.Request{Op: "check", Method: http.MethodGet, URL: ref.URL}
	switch {
	case ref.Bare || ref.Host != c.Host:
		a.say.notef("%s: not checked: only the URL of an index or a channel can be asked for", ref)
		return nil
	case c.Kind == regpass.Bearer:
		with.Bearer = c.Secret
	case c.Kind == regpass.Basic:
		with.Basic = regpass.Login{Username: c.Username, Password: c.Secret}
	default:
		a.say.notef("%s: not checked: a credential of the kind %s is not sent to a server by regpass", ref, c.Kind)
		return nil
	}
	status, err := a.statusOf(ctx, with)
	if err != nil {
		return err
	}
	if denied(status) {
		err := fmt.Errorf("%s refuses the credential: %d %s: %w", ref, status, http.StatusText(status), regpass.ErrRefused)
		return regpass.Hintf(err, "nothing was stored; look whether it is whole, has not ended and may read there")
	}
	without := regpass.Request{Op: "check", Method: http.MethodGet, URL: ref.URL}
	if anonymous, err := a.statusOf(ctx, without); err != nil || !denied(anonymous) {
		a.say.notef("%s: not checked: the server answers with %d without a credential too", ref, anonymous)
		return nil
	}
	a.say.notef("%s: the server takes the credential (%d)", ref, status)
	return nil
}

// statusOf sends a request and returns the status of the answer.
func (a *app) statusOf(ctx context.Context, r regpass.Request) (int, error) {
	_, err := a.env.Do(ctx, r)
	var answer *regpass.HTTPError
	if errors.As(err, &answer) {
		return answer.Status, nil
	}
	if err != nil {
		return 0, regpass.Hintf(err, "leave --check out, if the server cannot be reached from here")
	}
	return http.StatusOK, nil
}

func denied(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}
