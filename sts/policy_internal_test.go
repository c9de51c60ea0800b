package sts

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass/ci"
)

// glob is an independent reading of patterns: try every length for each *.
func glob(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	if pattern[0] != '*' {
		return text != "" && pattern[0] == text[0] && glob(pattern[1:], text[1:])
	}
	rest := strings.TrimLeft(pattern, "*")
	for i := range len(text) + 1 {
		if glob(rest, text[i:]) {
			return true
		}
	}
	return false
}

func TestPattern(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"acme/app", "acme/app", true},
		{"acme/app", "acme/app2", false},
		{"acme/app", "xacme/app", false},
		{"acme/app", "acme/app\n", false},
		{"acme/*", "acme/a/b\nc", true},
		{"acme/*", "acme", false},
		{"a.c", "abc", false},
		{"a|b", "a", false},
		{"(a)+$", "a", false},
		{"[a]*", "[a]b", true},
		{"refs/tags/v*.*", "refs/tags/v1.2", true},
		{"*", "", true},
	} {
		if got := pattern(test.pattern).MatchString(test.text); got != test.want {
			t.Errorf("%q matches %q: %v", test.pattern, test.text, got)
		}
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("acme/*", "acme/app")
	f.Add("a*b*c", "aXbYc\n")
	f.Add(`\Q*\E`, `\Qx\E`)
	f.Add("repo:acme/*:ref:*", "repo:acme/app:ref:refs/heads/main")
	f.Fuzz(func(t *testing.T, p, text string) {
		if len(p) > 40 || len(text) > 40 || strings.Count(p, "*") > 4 || strings.ToValidUTF8(p, "") != p ||
			strings.ToValidUTF8(text, "") != text {
			return // the independent reading is slow, and claims are JSON, so UTF-8
		}
		if got, want := pattern(p).MatchString(text), glob(p, text); got != want {
			t.Errorf("%q matches %q: %v, want %v", p, text, got, want)
		}
	})
}

func TestClaims(t *testing.T) {
	var claims map[string]json.RawMessage
	text := `{"s":"a\u002fb","n":12345678901234567890,"t":true,"z":null,"l":[ "x", 1 ],"o":{"a": 1},"e":"",` +
		`"long":"` + strings.Repeat("x", maxClaim+1) + `"}`
	if err := json.Unmarshal([]byte(text), &claims); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		claim, pattern string
		want           bool
	}{
		{"s", "a/b", true}, {"n", "12345678901234567890", true}, {"n", "12345678901234567891", false}, {"t", "true", true},
		{"z", "*", false},
		{"z", "null", false}, {"absent", "*", false}, {"l", `["x",1]`, true}, {"l", "x", false}, {"o", `{"a":1}`, true},
		{"e", "*", true}, {"long", "*", false},
	} {
		p := newPolicy(Trust{Claims: map[string]string{test.claim: test.pattern}})
		if got := p.mismatch(claims) == ""; got != test.want {
			t.Errorf("%s against %s: %v", test.claim, test.pattern, got)
		}
	}
}

// TestSharedIssuers: each pattern that would let a stranger in is refused.
func TestSharedIssuers(t *testing.T) {
	github, gitlab := "https://token.actions.githubusercontent.com", "https://gitlab.com"
	for _, test := range []struct {
		issuer, claim, pattern string
		ok                     bool
	}{
		{github, "repository", "acme/*", true},
		{github, "repository", "acme", false},
		{github, "repository", "acme*/app", false},
		{github, "repository_owner", "acme", true},
		{github, "repository_owner", "acm*", false},
		{github, "sub", "repo:acme/*", true},
		{github, "sub", "repo:*", false},
		{github, "environment", "release", false},
		{github, "job_workflow_ref", "acme/w/.github/workflows/x.yml@main", false},
		{github + "/", "environment", "release", false},
		{github + "/acme-enterprise", "environment", "release", true}, // an issuer of their own
		{gitlab, "project_path", "acme/*", true},
		{gitlab, "namespace_path", "acme", true},
		{gitlab, "namespace_path", "acme/*", true},
		{gitlab, "namespace_path", "acme*", false}, {gitlab, "ref_protected", "true", false},
		{"https://agent.buildkite.com", "organization_slug", "acme", true},
		{"https://agent.buildkite.com", "sub", "organization:*", false},
		{"https://oidc.circleci.com", "sub", "org/1/*", true},
		{"https://accounts.google.com", "email", "*@acme.example", false},
		{"https://gitlab.acme.example", "ref", "main", true},
	} {
		err := checkClaims(Trust{Issuer: test.issuer, Claims: map[string]string{test.claim: test.pattern}})
		if (err == nil) != test.ok {
			t.Errorf("%s: %s = %q: %v", test.issuer, test.claim, test.pattern, err)
		}
	}
}

func TestExpiring(t *testing.T) {
	now := time.Unix(1000, 0)
	e := newExpiring[int, string](2)
	put := func(key int, life time.Duration) outcome { return e.add(key, "x", now.Add(life), now) }
	if put(1, time.Minute) != added || put(1, time.Minute) != known || put(2, 2*time.Minute) != added ||
		put(3, time.Minute) != full {
		t.Error("a full table takes more, or forgets")
	}
	now = now.Add(time.Minute)
	if _, ok := e.get(1, now); ok {
		t.Error("an entry outlives its end")
	}
	if put(3, time.Minute) != added || put(4, time.Minute) != full {
		t.Error("what has expired is not swept")
	}
	if _, ok := e.take(2, now); !ok {
		t.Error("an entry is lost")
	}
	if _, ok := e.take(2, now); ok {
		t.Error("an entry is taken twice")
	}
	c := newCache[int, string](2)
	for i := range 10 {
		c.set(i, "x", now.Add(time.Minute), now)
	}
	if _, ok := c.get(9, now); !ok || len(c.rows) != 2 {
		t.Errorf("the cache holds %d entries, the newest: %v", len(c.rows), ok)
	}
}

// TestShares: each owner has its share, and what has ended counts no more.
func TestShares(t *testing.T) {
	now := time.Unix(1000, 0)
	o := newShared[int](2, 2, func(v string) string { return v })
	for i, step := range []struct {
		key  int
		of   string
		want outcome
	}{{1, "a", added}, {2, "a", added}, {3, "a", full}, {1, "a", known}, {1, "b", known}, {4, "b", added}, {5, "b", added},
		{6, "b", full}} {
		if got := o.add(step.key, step.of, now.Add(time.Hour), now); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
	o.take(1, now)
	o.drop(1)
	if o.add(3, "a", now.Add(time.Hour), now) != added || o.add(1, "a", now.Add(time.Hour), now) != full {
		t.Error("what was taken counts, or what is there does not")
	}
	now = now.Add(time.Hour)
	for key := range 2 {
		if o.add(key+10, "a", now.Add(time.Hour), now) != added || o.add(key+20, "b", now.Add(time.Hour), now) != added {
			t.Error("what has expired counts")
		}
	}
}

// TestCacheOfBytes: large entries drive out small ones, and one that is too large is not kept.
func TestCacheOfBytes(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newCache[int, string](10)
	b.size = func(v string) int { return len(v) }
	for i, v := range []string{"aaa", "bbb", "ccc", "dddd", "eeeeeeeeeee", "ddddddddd"} {
		b.set(min(i, 4), v, now.Add(time.Minute), now)
		sum := 0
		for _, r := range b.rows {
			sum += len(r.value)
		}
		if sum > 10 || b.held != sum {
			t.Errorf("after %q the cache holds %d bytes and counts %d", v, sum, b.held)
		}
	}
	if v, ok := b.get(4, now); !ok || v != "ddddddddd" {
		t.Errorf("the newest entry is %q", v)
	}
}

// TestSharedIssuersOfSystems: at every issuer that serves everyone, a policy must name an owner.
func TestSharedIssuersOfSystems(t *testing.T) {
	for _, s := range ci.Systems {
		if s.Issuer == "" {
			continue
		}
		for _, issuer := range []string{s.Issuer, s.Issuer + "/"} {
			claims := map[string]string{"ref": "main"}
			for _, o := range s.Owners {
				claims[o.Claim] = "*e*"
			}
			err := checkClaims(Trust{Issuer: issuer, Claims: claims})
			if err == nil || !strings.Contains(err.Error(), "serves everyone") {
				t.Errorf("%s: a policy that pins no owner: %v", issuer, err)
			}
		}
	}
}
