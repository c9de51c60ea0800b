package regpass

import (
	"testing"
	"time"
)

func TestCredentialFresh(t *testing.T) {
	minted := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	const five = 5 * time.Minute
	for _, c := range []struct {
		name        string
		life, min   time.Duration
		replaceWith time.Duration // left when it should be replaced
	}{
		{"an hour: a fifth", time.Hour, five, 12 * time.Minute},
		{"half an hour: a fifth is more than five minutes", 30 * time.Minute, five, 6 * time.Minute},
		{"a fifth is just five minutes", 25 * time.Minute, five, five},
		{"a fifth is less than five minutes", 24 * time.Minute, five, five},
		{"not over four times five minutes", 20 * time.Minute, five, 4 * time.Minute},
		{"just over it", 20*time.Minute + time.Second, five, five},
		{"five minutes: a minute", five, five, time.Minute},
		{"a day", 24 * time.Hour, five, 288 * time.Minute},
		{"no least time", 10 * time.Minute, 0, 2 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			cred := Credential{Expires: minted.Add(c.life)}
			at := cred.RefreshAt(minted, Least{Time: c.min})
			if want := cred.Expires.Add(-c.replaceWith); !at.Equal(want) {
				t.Errorf("RefreshAt is %s before the end, not %s", cred.Expires.Sub(at), c.replaceWith)
			}
			for now, want := range map[time.Time]bool{
				minted: true, at.Add(-time.Nanosecond): true, at: false, cred.Expires: false, cred.Expires.Add(time.Hour): false,
			} {
				if got := cred.Fresh(now, minted, Least{Time: c.min}); got != want {
					t.Errorf("%s after it was minted Fresh is %v", now.Sub(minted), got)
				}
			}
		})
	}
}

func TestCredentialWithoutEndIsFresh(t *testing.T) {
	var cred Credential
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	least := Least{Time: time.Minute}
	fresh, at := cred.Fresh(now.AddDate(10, 0, 0), now, least), cred.RefreshAt(now, least)
	if !fresh || !at.IsZero() {
		t.Errorf("Fresh is %v, RefreshAt %s", fresh, at)
	}
}

func TestCredentialThatEndedBeforeItWasMinted(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	if (Credential{Expires: now.Add(-time.Minute)}).Fresh(now, now, Least{Time: time.Minute}) {
		t.Error("it is fresh")
	}
}

func TestLookup(t *testing.T) {
	vars := map[string]string{"EMPTY": "", "B": "2", "C": "3"}
	e := &Env{Getenv: func(n string) string { return vars[n] }}
	for _, c := range []struct {
		names       []string
		name, value string
	}{
		{[]string{"B", "C"}, "B", "2"},
		{[]string{"EMPTY", "C"}, "C", "3"},
		{[]string{"EMPTY", "NONE"}, "", ""},
		{nil, "", ""},
	} {
		if name, value := e.Lookup(c.names...); name != c.name || value != c.value {
			t.Errorf("Lookup(%q) is %s=%s", c.names, name, value)
		}
	}
}

// TestCredentialForSteps holds that what cannot be replaced is handed out for the first half of its lifetime only.
func TestCredentialForSteps(t *testing.T) {
	minted := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for life, want := range map[time.Duration]time.Duration{
		time.Hour: 30 * time.Minute, 8 * time.Minute: 4 * time.Minute, 10 * time.Second: 5 * time.Second,
	} {
		at := Credential{Expires: minted.Add(life)}.RefreshAt(minted, Least{Time: 5 * time.Minute, Half: true})
		if got := at.Sub(minted); got != want {
			t.Errorf("a credential for %s is replaced after %s, not %s", life, got, want)
		}
	}
}
