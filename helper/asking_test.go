package helper

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/testenv"
)

// theSecret is what the registry of asked gives.
const theSecret = "tok-1.2_3"

// asked runs a helper as a client does, for one registry at https://pkgs.test/acme. bad: its credential cannot be had.
func asked(t *testing.T, p Protocol, cred regpass.Credential, bad error, stdin string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := p.Answer(context.Background(), &Call{Args: args, Stdin: strings.NewReader(stdin), Stdout: &out,
		Find: func(_ context.Context, q Question) (regpass.Credential, error) {
			if q.Host != "pkgs.test" && q.Host != "" {
				return regpass.Credential{}, ErrNone
			}
			return cred, bad
		},
		Bare: func(q Question) bool { return strings.HasPrefix(q.Path, "/bare/") },
	})
	return out.String(), err
}

func credential(kind regpass.Kind, user string, expires time.Time) regpass.Credential {
	return regpass.Credential{Host: "pkgs.test", Kind: kind, Username: user, Secret: regpass.NewSecret(theSecret),
		Expires: expires}
}

var errDown = regpass.Hintf(errors.New("the registry is down"), "try again")

// hostileURLs are none of our registry's, whatever they look like.
var hostileURLs = []string{"", "https://", "//pkgs.test/", "https://pkgs.test.evil.test/",
	"https://pkgs.test@evil.test/", "https://evil.test/?u=https://pkgs.test/", "https://evil.test#pkgs.test",
	"http://pkgs.test/", "https://pkgs.test:8443/", "ftp://pkgs.test/", "https://pkgs.test\n\nevil",
	"https://pkgs.test\x00/", "javascript:alert(1)", "s3://pkgs.test", "https://pkgs.tеst/", strings.Repeat("x", 70_000)}

func TestPnpm(t *testing.T) {
	bearer, never := credential(regpass.Bearer, "", time.Time{}), credential(regpass.S3, "u", time.Time{})
	for name, c := range map[string]struct {
		cred regpass.Credential
		args []string
		want string
	}{
		"bearer":    {bearer, []string{"https://pkgs.test/acme/npm/"}, "Bearer " + theSecret + "\n"},
		"basic":     {credential(regpass.Basic, "u", time.Time{}), nil, "Basic dTp0b2stMS4yXzM=\n"},
		"with port": {bearer, []string{"https://pkgs.test:443"}, "Bearer " + theSecret + "\n"},
		"two":       {bearer, []string{"https://pkgs.test", "https://pkgs.test"}, ""},
		"s3":        {never, nil, ""},
	} {
		got, err := asked(t, pnpm, c.cred, nil, "", c.args...)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, url := range hostileURLs {
		if got, err := asked(t, pnpm, bearer, nil, "", url); got != "" || !errors.Is(err, ErrNone) {
			t.Errorf("%q: %q, %v", url, got, err)
		}
	}
	if got, err := asked(t, pnpm, bearer, errDown, ""); got != "" || !errors.Is(err, errDown) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestGo reads the answers as go does: lines of URLs, an empty line, headers, an empty line.
func TestGo(t *testing.T) {
	bearer := credential(regpass.Bearer, "", time.Time{})
	if got, err := asked(t, goauth, bearer, nil, ""); got != "" || err != nil {
		t.Errorf("before the first request: %q, %v", got, err)
	}
	refusal := "HTTP/1.1 401 Unauthorized\nWww-Authenticate: Basic realm=\"https://evil.test\"\n\n"
	for name, c := range map[string]struct {
		cred regpass.Credential
		want string
	}{
		"bearer": {bearer, "Bearer " + theSecret},
		"basic":  {credential(regpass.Basic, "u", time.Time{}), "Basic dTp0b2stMS4yXzM="},
	} {
		got, err := asked(t, goauth, c.cred, nil, refusal, "https://pkgs.test/acme/go/mod/@v/list")
		r := textproto.NewReader(bufio.NewReader(strings.NewReader(got)))
		url, _ := r.ReadLine()
		empty, _ := r.ReadLine()
		header, rerr := r.ReadMIMEHeader()
		if err != nil || rerr != nil || url != "https://pkgs.test/" || empty != "" ||
			http.Header(header).Get("Authorization") != c.want {
			t.Errorf("%s: %q, %v, %v", name, got, err, rerr)
		}
	}
	for _, url := range hostileURLs {
		if got, err := asked(t, goauth, bearer, nil, refusal, url); got != "" || err != nil {
			t.Errorf("%q: %q, %v", url, got, err)
		}
	}
	if got, err := asked(t, goauth, bearer, errDown, "", "https://pkgs.test/"); got != "" || !errors.Is(err, errDown) {
		t.Errorf("%q, %v", got, err)
	}
}

// cargoGot is what cargo reads of an answer.
type cargoGot struct {
	Ok *struct {
		Kind, Token, Cache   string
		Expiration           *int64
		OperationIndependent bool `json:"operation_independent"`
	}
	Err *struct {
		Kind, Message string
		CausedBy      []string `json:"caused-by"`
	}
}

// cargoAsk asks one question, or several, and returns the answer to the last.
func cargoAsk(t *testing.T, cred regpass.Credential, bad error, questions ...string) cargoGot {
	t.Helper()
	got, err := asked(t, cargo, cred, bad, strings.Join(questions, "\n")+"\n", "--cargo-plugin")
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	if err != nil || lines[0] != `{"v":[1]}` || len(lines) != len(questions)+1 {
		t.Fatalf("%q, %v", got, err)
	}
	var last cargoGot
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || (last.Ok == nil) == (last.Err == nil) {
		t.Fatalf("%q, %v", got, err)
	}
	return last
}

func get(url, operation string) string {
	text, _ := json.Marshal(map[string]any{"v": 1, "kind": "get", "operation": operation, "args": []string{},
		"registry": map[string]any{"index-url": url, "name": "acme", "headers": []string{"WWW-Authenticate: Cargo"}}})
	return string(text)
}

func TestCargo(t *testing.T) {
	ends := time.Unix(1_700_000_000, 0)
	bearer, basic := credential(regpass.Bearer, "", ends), credential(regpass.Basic, "u", time.Time{})
	const index = "sparse+https://pkgs.test/acme/"
	got := cargoAsk(t, bearer, nil, get(index, "read"), get(index, "publish")).Ok
	if got == nil || got.Kind != "get" || got.Token != "Bearer "+theSecret || got.Cache != "expires" ||
		*got.Expiration != ends.Unix()-cargoEarly || got.OperationIndependent {
		t.Errorf("%+v", got)
	}
	got = cargoAsk(t, basic, nil, get(index, "read")).Ok
	if got == nil || got.Token != "Basic dTp0b2stMS4yXzM=" || got.Cache != "session" || got.Expiration != nil {
		t.Errorf("%+v", got)
	}
	got = cargoAsk(t, bearer, nil, get("sparse+https://pkgs.test/bare/", "yank")).Ok
	if got == nil || got.Token != theSecret {
		t.Errorf("%+v", got)
	}
	for _, url := range append(hostileURLs[:len(hostileURLs)-1], "registry+https://pkgs.test/", "sparse+") {
		if got := cargoAsk(t, bearer, nil, get(url, "read")).Err; got == nil || got.Kind != "url-not-supported" {
			t.Errorf("%q: %+v", url, got)
		}
	}
	bad := cargoAsk(t, bearer, errDown, get(index, "read")).Err
	if bad == nil || bad.Kind != "other" || bad.Message != "the registry is down" || len(bad.CausedBy) != 1 {
		t.Errorf("%+v", bad)
	}
	for _, kind := range []string{"login", "logout", ""} {
		q := `{"v":1,"kind":"` + kind + `","registry":{"index-url":"` + index + `"},"token":"theirs"}`
		if got := cargoAsk(t, bearer, nil, q).Err; got == nil || got.Kind != "operation-not-supported" {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	// What is no question is answered as such, and the next one is answered.
	for _, q := range []string{"junk", `{"v":2,"kind":"get"}`, `[]`, `{"v":1,"registry":7,"kind":"get"}`,
		strings.Repeat("[", 20_000)} {
		if got := cargoAsk(t, bearer, nil, q).Err; got == nil || got.Kind != "other" || strings.Contains(got.Message, q) {
			t.Errorf("%.20q: %+v", q, got)
		}
		if got := cargoAsk(t, bearer, nil, q, get(index, "read")).Ok; got == nil {
			t.Errorf("after %.20q there is no answer", q)
		}
	}
	if got := cargoAsk(t, credential(regpass.S3, "u", ends), nil, get(index, "read")).Err; got == nil ||
		strings.Contains(got.Message, theSecret) {
		t.Errorf("%+v", got)
	}
}

// TestCargoByHand: a person who starts it is told who does, and a line without an end is not held for ever.
func TestCargoByHand(t *testing.T) {
	got, err := asked(t, cargo, regpass.Credential{}, nil, "")
	if got != "" || !errors.Is(err, regpass.ErrUsage) {
		t.Errorf("%q, %v", got, err)
	}
	_, err = asked(t, cargo, regpass.Credential{}, nil, strings.Repeat("x", maxQuestion+1), "--cargo-plugin")
	testenv.WantError(t, err, "", "read the question")
}
