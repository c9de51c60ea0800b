package session

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/regpass/regpass/internal/testenv"
)

// However many ask at the same time, one is the first, and the others learn who it was.
func TestShowOnce(t *testing.T) {
	env := testenv.New(t, nil)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	env.Now = func() time.Time { return now }
	dir := t.TempDir() + "/session"
	var all sync.WaitGroup
	var first sync.Map
	for i := range 8 {
		all.Go(func() {
			s, err := Open(env, dir)
			if err != nil {
				t.Error(err)
				return
			}
			receiver := "https://" + strconv.Itoa(i) + ".example"
			before, err := s.Show(t.Context(), "token", receiver, now.Add(time.Minute))
			if err != nil {
				t.Error(err)
			}
			if before == "" {
				before = receiver
			}
			first.Store(before, nil)
		})
	}
	all.Wait()
	n := 0
	first.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d receivers are the first", n)
	}

	s, err := Open(env, dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{shownLeeway, time.Hour} { // the first token has expired, and then long ago
		now = now.Add(after)
		if _, err := s.Show(t.Context(), after.String()+now.String(), "https://a.example", now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	st, err := s.load()
	if err != nil || len(st.Shown) != 2 || st.Shown[0].Fingerprint == "token" {
		t.Errorf("kept: %v, %v", st.Shown, err)
	}
}
