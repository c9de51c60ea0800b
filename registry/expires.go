package registry

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/regpass/regpass"
)

// unit is what a registry counts the end of a credential in.
type unit int

const (
	sinceEpoch unit = iota // seconds since 1970
	fromNow                // seconds from the answer on
	date                   // RFC 3339
)

// longest is how far away the end of a credential may be: a number beyond it is in another unit than we think.
const longest = 366 * 24 * time.Hour

// ends reads when a credential ends; zero: the answer does not say, or says it in a way that cannot be right. Numbers
// also come as text: Entra's older endpoints and metadata servers quote them. An end that has passed is an error.
func ends(env *regpass.Env, op string, value any, u unit) (time.Time, error) {
	now := env.Now()
	var end time.Time
	switch text, isText := value.(string); {
	case u == date:
		end, _ = time.Parse(time.RFC3339, text) // parses fractions too
	default:
		seconds, _ := value.(float64)
		if isText {
			seconds, _ = strconv.ParseFloat(text, 64)
		}
		if u == fromNow && seconds > 0 {
			seconds += float64(now.Unix())
		}
		if seconds <= 0 || math.IsNaN(seconds) || seconds > float64(now.Add(longest).Unix()) {
			return time.Time{}, nil
		}
		end = time.Unix(int64(seconds), 0).UTC()
	}
	switch {
	case end.IsZero(), end.After(now.Add(longest)):
		return time.Time{}, nil
	case !end.After(now):
		err := fmt.Errorf("%s: the answer: the credential ended at %s", op, end.UTC().Format(time.RFC3339))
		return time.Time{}, regpass.Hintf(err, "the clock here says %s", now.UTC().Format(time.RFC3339))
	}
	return end, nil
}

// newTokenUntil is newToken where the answer says beside the token when that ends. The token's own word wins.
func newTokenUntil(env *regpass.Env, op, raw string, end any, u unit) (token, error) {
	t, err := newToken(env, op, raw)
	if err == nil && t.expires.IsZero() {
		t.expires, err = ends(env, op, end, u)
	}
	return t, err
}

// first is the earlier of two ends, of which zero is none.
func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
