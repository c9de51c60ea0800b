package registry_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

// echo answers with all that a request showed.
func echo(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "not valid: %s %s %v %s %s", user, password, r.Header, r.URL.RawQuery, body)
	}
}

// shown are the secrets of a request, also those that an earlier answer held.
func shown(r *http.Request) []string {
	var all []string
	for name := range r.Header {
		value := r.Header.Get(name)
		switch scheme, rest, _ := strings.Cut(value, " "); {
		case name == "Authorization" && scheme == "Bearer":
			all = append(all, rest)
		case name == "X-Vault-Token", name == "X-Amz-Security-Token", name == "X-Identity-Header":
			all = append(all, value)
		}
	}
	if _, password, ok := r.BasicAuth(); ok {
		all = append(all, password)
	}
	return all
}

// TestEchoedSecrets fails if an error shows a secret that the server repeats: at any hop, the proof or what an earlier
// hop answered.
func TestEchoedSecrets(t *testing.T) {
	for _, way := range ways(t) {
		t.Run(way.name, func(t *testing.T) {
			var secrets []string
			right, n := way.right(), 0
			w := newFixture(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n++; n == way.before+1 {
					secrets = append(secrets, shown(r)...)
					echo(http.StatusForbidden)(w, r)
					return
				}
				right.ServeHTTP(w, r)
			}))
			maps.Copy(w.vars, way.vars)
			mustHide(t, way.run(t.Context(), w, ref(t, way.ref)), append(secrets, way.sent()...)...)
		})
	}
}

// right is a server that answers rightly.
func (w way) right() http.Handler {
	if w.server != nil {
		return w.server()
	}
	return fake.NewPyx(now)
}

// TestHostileEnds fails if an answer has a credential kept that has ended, or for ever: the end is in the past, text,
// or no number at all.
func TestHostileEnds(t *testing.T) {
	for _, way := range ways(t) {
		if len(way.broken) > 0 && (way.end != "") == way.endless {
			t.Errorf("%s: say in its line by which answer the token ends, or that no answer says it", way.name)
		}
		if way.end == "" {
			continue
		}
		for _, end := range []string{`1`, `0`, `-1`, `-1e300`, `1e300`, `1e19`, `1e400`, `99999999999999`, `0.5`, `null`,
			`true`, `[]`, `{}`, `""`, `"1"`, `"-1"`, `"1e300"`, `"NaN"`, `"Inf"`, `"-Inf"`, `"0x10"`, `"tomorrow"`,
			`"1970-01-01T00:00:00Z"`, `"0001-01-01T00:00:00Z"`, `"2026-11-20T12:00:00Z"`, `"9999-12-31T23:59:59Z"`,
			`"2026-11-20T12:00:00+23:59"`, `"\n::add-mask::x"`} {
			t.Run(way.name+" "+end, func(t *testing.T) {
				right, n := way.right(), 0
				w := newFixture(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if n++; n == way.before+1 {
						text(http.StatusOK, strings.Replace(way.end, "%s", end, 1))(w, r)
						return
					}
					right.ServeHTTP(w, r)
				}))
				maps.Copy(w.vars, way.vars)
				if err := way.run(t.Context(), w, ref(t, way.ref)); err != nil { // run looks at the end of a credential
					mustHide(t, err, append(way.sent(), "at-0123456789abcdef")...)
				}
			})
		}
	}
}

// TestIdentitiesWorkOnce fails if an identity is shown twice: after an answer that says to try again, or a refusal.
func TestIdentitiesWorkOnce(t *testing.T) {
	for _, way := range ways(t) {
		for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusBadRequest,
			http.StatusUnauthorized, http.StatusConflict, http.StatusUnprocessableEntity} {
			t.Run(fmt.Sprint(way.name, " ", status), func(t *testing.T) {
				right, n := way.right(), 0
				var requests []string
				w := newFixture(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					r.Body = io.NopCloser(bytes.NewReader(body))
					requests = append(requests, strings.Join(shown(r), " ")+" "+string(body))
					if n++; n == way.before+1 {
						text(status, `{"error":"invalid_grant","message":"used before"}`)(w, r)
						return
					}
					right.ServeHTTP(w, r)
				}))
				maps.Copy(w.vars, way.vars)
				err := way.run(t.Context(), w, ref(t, way.ref))
				refused := status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests
				if refused && err == nil && way.name != "azure's tenant" { // 401 is the feed's usual answer
					t.Error("a refusal was passed over")
				}
				for _, token := range way.sent() {
					if strings.Count(token, ".") != 2 || !strings.HasPrefix(token, "eyJ") {
						continue // a key may be shown again
					}
					claims, _ := regpass.DecodeJWT(regpass.NewSecret(token))
					if claims.All["repository"] != "acme/app" {
						continue // what an earlier hop answered
					}
					times := 0
					for _, r := range requests {
						if strings.Contains(r, token) {
							times++
						}
					}
					if times > 1 {
						t.Errorf("an identity was shown %d times", times)
					}
				}
			})
		}
	}
}

// sendNothing are the rows that make a credential of an identity without a request.
var sendNothing = []string{"buildkite", "passthrough"}

// TestRowsHaveLines fails if a row that exchanges a proof has no line in the tables above, or not one for each of its
// hops.
func TestRowsHaveLines(t *testing.T) {
	hops := map[string][]bool{} // by row: which of its requests are tried
	for _, way := range ways(t) {
		row, err := registry.Find(newFixture(nil).Env, ref(t, way.ref))
		if err != nil {
			t.Fatal(said(err))
		}
		for len(hops[row.Name]) <= way.before {
			hops[row.Name] = append(hops[row.Name], false)
		}
		hops[row.Name][way.before] = true
		if way.server == nil {
			continue
		}
		w := newFixture(way.server())
		maps.Copy(w.vars, way.vars)
		if err := way.run(t.Context(), w, ref(t, way.ref)); err == nil {
			for len(hops[row.Name]) < len(w.asked) {
				hops[row.Name] = append(hops[row.Name], false)
			}
		}
	}
	for _, row := range registry.All {
		switch tried := hops[row.Name]; {
		case slices.Contains(sendNothing, row.Name) && tried != nil:
			t.Errorf("%s is in the table, so not among those that send nothing", row.Name)
		case !row.OIDC && !row.Exchanges, slices.Contains(sendNothing, row.Name):
		case tried == nil:
			t.Errorf("%s exchanges proofs, and rowWays has no line for it", row.Name)
		case slices.Contains(tried, false):
			t.Errorf("%s: rowWays has no line for its request number %d", row.Name, slices.Index(tried, false)+1)
		}
	}
}
