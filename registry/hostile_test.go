package registry_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/fake"
	"github.com/regpass/regpass/registry"
)

// text answers a body as it is.
func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestBrokenProofs(t *testing.T) {
	whole := signed(t, jwt.MapClaims{"exp": now().Add(time.Hour).Unix(), "sub": "someone"})
	header, rest, _ := strings.Cut(whole, ".")
	for name, token := range map[string]string{
		"empty":            "",
		"white space":      " \n",
		"expired":          signed(t, jwt.MapClaims{"exp": now().Add(-time.Second).Unix()}),
		"expires now":      signed(t, jwt.MapClaims{"exp": now().Unix()}),
		"cut in the claim": header + "." + rest[:10],
		"cut in two":       header + "." + rest[:10] + "." + header,
		"600 KB":           strings.Repeat("a", 600<<10),
		"NUL":              "sk-pyx-\x00abcdef",
		"newline":          "sk-pyx-abc\ndef",
		"header injection": "sk-pyx-abc\r\nX-Evil: 1",
		"not ASCII":        "sk-pyx-äbcdef",
	} {
		for _, test := range []struct {
			ref    string
			method regpass.Method
			jwt    bool // looks into JSON Web Tokens
		}{
			{"pyx.dev", regpass.ReadyToken, true},
			{"pyx.dev", regpass.APIKey, false},
			{"pyx.dev", regpass.Refresh, false},
			{"https://repo.prefix.dev/acme", regpass.APIKey, true},
			{"https://repo.prefix.dev/acme", regpass.ReadyToken, true},
			{"https://quetz.corp/acme", regpass.APIKey, true},
			{"https://conda.anaconda.org/acme", regpass.APIKey, false},
		} {
			if !test.jwt && strings.HasPrefix(token, "eyJ") {
				continue
			}
			t.Run(name+" "+test.ref+" "+string(test.method), func(t *testing.T) {
				w := newFixture(fake.NewPyx(now))
				_, err := w.exchange(t.Context(), ref(t, test.ref), key(test.method, "THE_VARIABLE", token))
				mustSay(t, err, "THE_VARIABLE")
				mustHide(t, err, token)
				if len(w.asked) > 0 {
					t.Errorf("it was sent: %v", w.asked)
				}
			})
		}
	}
}

// way is one of the exchanges in which a server answers with a token.
type way struct {
	name, ref string
	server    func() http.Handler // answers rightly; nil: a pyx
	vars      map[string]string
	before    int // right answers before the one that is tried
	after     int // requests that clean up after it
	broken    []string
	end       string // a right answer with %s for what says when the token ends
	endless   bool   // nothing in the answer says that but the token
	run       func(context.Context, *fixture, regpass.Ref) error
	sent      func() []string // secrets that were shown to the server
}

// rowWays are the ways of rows with a file of their own: the table's line for each.
var rowWays = []func(t *testing.T, by func(registry.Proof) func(context.Context, *fixture, regpass.Ref) error) []way{
	codeArtifactWays,
	ecrWays,
	azureArtifactsWays,
	acrWays,
	googleWays,
	jfrogWays,
	cloudsmithWays,
	quayWays,
	dockerHubWays,
	chainguardWays,
	octoWays,
	vaultWays,
	oauthWays,
	publishWays,
}

func ways(t *testing.T) []way {
	j := &job{t: t}
	byProof := func(p registry.Proof) func(context.Context, *fixture, regpass.Ref) error {
		return func(ctx context.Context, w *fixture, r regpass.Ref) error {
			cred, err := w.exchange(ctx, r, p)
			if err != nil && !cred.Secret.Empty() {
				t.Error("there is a credential besides the error")
			}
			if end := cred.Expires; err == nil && !end.IsZero() && (!end.After(now()) || end.After(now().AddDate(1, 0, 2))) {
				t.Errorf("it ends at %s", end)
			}
			return err
		}
	}
	identities := func() []string { return j.tokens }
	const apiKey, refresh = "sk-pyx-0123456789abcdef", "rt-0123456789abcdef"
	all := []way{
		{name: "key", ref: "pyx.dev", run: byProof(key(regpass.APIKey, "PYX_API_KEY", apiKey)),
			sent:    func() []string { return []string{apiKey} },
			endless: true,
			broken:  []string{`{"access_token":%s}`}},
		{name: "refresh", ref: "pyx.dev", run: byProof(key(regpass.Refresh, "login", refresh)),
			sent:    func() []string { return []string{refresh} },
			endless: true,
			broken:  []string{`{"access_token":%s,"refresh_token":"rt"}`, `{"access_token":"ok","refresh_token":%s}`}},
		{name: "publish", endless: true, ref: pyxPublish, before: 1, run: byProof(j.proof()), sent: identities,
			broken: []string{`{"token":%s}`}},
		{name: "audience", endless: true, ref: pyxPublish, run: byProof(j.proof()), sent: identities,
			broken: []string{`{"audience":%s}`}},
		{name: "read", endless: true, ref: pyxIndex, run: byProof(j.proof()), sent: identities,
			broken: []string{`{"token":%s}`}},
		{name: "login", endless: true, ref: "pyx.dev", sent: func() []string { return nil },
			broken: []string{`{"access_token":%s,"refresh_token":"rt"}`, `{"access_token":"ok","refresh_token":%s}`},
			run: func(ctx context.Context, w *fixture, r regpass.Ref) error {
				w.Terminal = true
				_, err := w.exchange(ctx, r, registry.Proof{Method: regpass.Browser})
				return err
			}},
		{name: "prefix.dev", endless: true, ref: "https://repo.prefix.dev/acme", run: byProof(j.proof()), sent: identities,
			broken: []string{`%s`}},
	}
	for _, of := range rowWays {
		all = append(all, of(t, byProof)...)
	}
	return all
}

func TestHostileAnswers(t *testing.T) {
	const inside = "a-token-that-the-answer-holds"
	answers := map[string]http.HandlerFunc{
		"HTML":                 text(200, "<!doctype html><p>Please log in "+inside),
		"HTML without a space": text(200, "<html>"+inside+"</html>"),
		"{}":                   text(200, "{}"),
		"null":                 text(200, "null"),
		"nothing":              text(200, ""),
		"a list":               text(200, `["`+inside+`"]`),
		"half a JSON":          text(200, `{"token":"`+inside+`","access_token":"`+inside),
		"empty tokens":         text(200, `{"token":"","access_token":"","refresh_token":"","audience":""}`),
		"10 MB":                text(200, strings.Repeat("a", 10<<20)),
		"another host": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/steal", http.StatusTemporaryRedirect)
		},
		"another path": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"an XML bomb": text(200, `<!DOCTYPE a [<!ENTITY a "`+inside+`"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">`+
			`<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a><b>&c;</b></a>`),
		"commands": text(403, "no\n::stop-commands::x\n##[add-mask]y\n##[error]z\x1b[2J"),
		"JSON commands": text(403, `{"title":"no\n::stop-commands::x","detail":"##[add-mask]y\n::error::z",`+
			`"errors":[{"code":"\u2028::warning::"}]}`),
		"an echo":           echo(http.StatusBadRequest),
		"an echo, unproved": echo(http.StatusUnauthorized),
	}
	for _, way := range ways(t) {
		for name, answer := range answers {
			t.Run(way.name+" "+name, func(t *testing.T) { hostile(t, t.Context(), way, answer, inside) })
		}
		for name, value := range map[string]string{
			"600 KB":  strings.Repeat("a", 600<<10),
			"NUL":     `a-token-\u0000-that-the-answer-holds`,
			"newline": `a-token\n::add-mask::that-the-answer-holds`,
			"space":   `a-token that-the-answer-holds`,
			"expired": signed(t, jwt.MapClaims{"exp": now().Add(-time.Hour).Unix()}),
			"cut":     signed(t, jwt.MapClaims{"exp": now().Add(time.Hour).Unix()})[:60],
		} {
			for _, form := range way.broken {
				opaque := strings.Contains(form, `"refresh_token":%s`) || strings.HasSuffix(way.name, "audience")
				if strings.HasPrefix(value, "eyJ") && opaque {
					continue // neither a refresh token nor an audience is looked into
				}
				quoted := `"` + value + `"`
				if form == "%s" {
					quoted = strings.NewReplacer(`\u0000`, "\x00", `\n`, "\n").Replace(value)
				}
				t.Run(way.name+" "+name, func(t *testing.T) {
					hostile(t, t.Context(), way, text(200, strings.Replace(form, "%s", quoted, 1)), value, "that-the-answer-holds")
				})
			}
		}
		t.Run(way.name+" hangs", func(t *testing.T) {
			limit := expiring{t.Context(), make(chan struct{})}
			err := hostile(t, limit, way, func(_ http.ResponseWriter, r *http.Request) {
				close(limit.over)
				<-r.Context().Done()
			})
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
}

// expiring is a context whose time limit has passed once over is closed: a clock would also count the hops before.
type expiring struct {
	context.Context
	over chan struct{}
}

func (e expiring) Done() <-chan struct{} { return e.over }

func (e expiring) Err() error {
	select {
	case <-e.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// hostile goes one way to a server with that answer: it must end in an error that shows no secret, and ask nobody else.
func hostile(t *testing.T, ctx context.Context, way way, answer http.HandlerFunc, secrets ...string) error {
	t.Helper()
	var asked int
	right := way.right()
	w := newFixture(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked <= way.before {
			right.ServeHTTP(w, r)
			return
		}
		answer(w, r)
	}))
	maps.Copy(w.vars, way.vars)
	err := way.run(ctx, w, ref(t, way.ref))
	if n := len(w.asked) - way.before - 1; n != 0 && n != way.after {
		t.Errorf("asked %v", w.asked)
	}
	mustHide(t, err, append(secrets, way.sent()...)...)
	for _, a := range w.asked {
		if strings.Contains(a, "evil.example") || strings.Contains(a, "/elsewhere") {
			t.Errorf("the redirect was followed: %v", w.asked)
		}
	}
	return err
}
