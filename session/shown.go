package session

import (
	"context"
	"slices"
	"time"
)

// shown is an identity token that a registry was shown, or was about to be.
type shown struct {
	Fingerprint string // regpass.Secret.Fingerprint
	Receiver    string // origin
	Expires     time.Time
}

// Show records that the identity token with the fingerprint is shown to a receiver, and returns the receiver that it
// was shown to before, or "". The first receiver stays recorded until the token has expired, whatever it answers: it
// has the token. Of several processes only one can be the first. Show must be called before the token is sent.
func (s *Session) Show(
	ctx context.Context, fingerprint, receiver string, expires time.Time,
) (before string, err error) {
	err = s.update(ctx, func(st *state) {
		i := slices.IndexFunc(st.Shown, func(o shown) bool { return o.Fingerprint == fingerprint })
		if i >= 0 {
			before = st.Shown[i].Receiver
			return
		}
		now := s.env.Now()
		st.Shown = slices.DeleteFunc(st.Shown, func(o shown) bool { return now.After(o.Expires.Add(shownLeeway)) })
		st.Shown = append(st.Shown, shown{fingerprint, receiver, expires})
	})
	return before, err
}

// shownLeeway is how long after its end a token stays recorded: a registry's clock may be behind ours.
const shownLeeway = time.Hour
