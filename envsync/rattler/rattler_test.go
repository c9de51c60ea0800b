package rattler

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/internal/testenv"
)

// handOver is an entry for a REGISTRY as one writes it.
func handOver(tb testing.TB, ref string, kind regpass.Kind, username, secret string) envsync.Entry {
	tb.Helper()
	r, c := testenv.Credential(tb, ref, kind, username, secret)
	return envsync.Entry{Ref: r, Cred: c}
}

// plan plans a private file in dir, as the row for rattler does.
func plan(env *regpass.Env, dir string, entries []envsync.Entry, o envsync.Options) (envsync.Plan, error) {
	path := filepath.Join(dir, "rattler.json")
	return Plan(env, envsync.Private{Path: path, Var: envsync.Var{Name: "RATTLER_AUTH_FILE", Plain: path}, Format: Exact},
		entries, o)
}

// inPlace asks for rattler's own file.
var inPlace = map[string]string{"rattler": ""}

func TestParseRattler(t *testing.T) {
	for _, tt := range []struct{ name, file, why string }{
		{"nothing in it", `{}`, ""},
		{"bearer", `{"a":{"BearerToken":"t"}}` + "\n", ""},
		{"every kind", `{"a":{"BearerToken":""},"b":{"CondaToken":"t"},"c":{"BasicHTTP":{"username":"u","password":"p"}},
			"s3://b":{"S3Credentials":{"access_key_id":"i","secret_access_key":"s","session_token":null}},
			"d":{"OAuth":{"access_token":"a","token_endpoint":"e","client_id":"c","expires_at":1,"refresh_token":null}}}`, ""},
		{"more fields in a struct", `{"a":{"BasicHTTP":{"username":"u","password":"p","x":[1,{"y":2}]}}}`, ""},
		{"one host twice", `{"a":{"BearerToken":"t"},"a":{"BearerToken":"u"}}`, ""},
		{"a pair of surrogates", `{"a":{"BearerToken":"\ud83d\ude00"}}`, ""},
		{"an escaped backslash before u", `{"a":{"BearerToken":"\\ud800"}}`, ""},
		{"nothing", "", "not JSON"},
		{"white space", " \n", "not JSON"},
		{"null", "null", "not an object"},
		{"array", "[]", "not an object"},
		{"BOM", "\ufeff{}", "byte order mark"},
		{"not UTF-8", "{\"a\xff\":{\"BearerToken\":\"t\"}}", "UTF-8"},
		{"trailing comma", `{"a":{"BearerToken":"t"},}`, "not JSON"},
		{"comment", "// x\n{}", "not JSON"},
		{"trailing garbage", "{} {}", "not JSON"},
		{"half a surrogate pair", `{"a":{"BearerToken":"\ud800x"}}`, "surrogate"},
		{"the other half", `{"a":{"BearerToken":"\udc00"}}`, "surrogate"},
		{"two first halves", `{"a":{"BearerToken":"\ud800\ud800"}}`, "surrogate"},
		{"lower case", `{"a":{"BasicHttp":{"username":"u","password":"p"}}}`,
			`the entry "a": rattler knows no kind "BasicHttp"`},
		{"short name", `{"a":{"S3":{}}}`, `"S3"`},
		{"two kinds", `{"a":{"BearerToken":"t","CondaToken":"t"}}`, "2 members"},
		{"a kind twice", `{"a":{"BearerToken":"t","BearerToken":"t"}}`, "2 members"},
		{"something beside", `{"a":{"BearerToken":"t","expires_at":1}}`, "2 members"},
		{"no kind", `{"a":{}}`, "0 members"},
		{"metadata", `{"$schema":"https://x.test"}`, "not an object"},
		{"null entry", `{"a":null}`, "not an object"},
		{"null token", `{"a":{"BearerToken":null}}`, "not a string"},
		{"number for a token", `{"a":{"CondaToken":1}}`, "not a string"},
		{"string for a struct", `{"a":{"BasicHTTP":"u:p"}}`, "BasicHTTP is not an object"},
		{"field missing", `{"a":{"BasicHTTP":{"username":"u"}}}`, "no password"},
		{"field null", `{"a":{"BasicHTTP":{"username":null,"password":"p"}}}`, "username of BasicHTTP is not a string"},
		{"field twice", `{"a":{"BasicHTTP":{"username":"u","username":"u","password":"p"}}}`, "username twice"},
		{"field in upper case", `{"a":{"BasicHTTP":{"Username":"u","password":"p"}}}`, "no username"},
		{"float expires_at", `{"a":{"OAuth":{"access_token":"a","token_endpoint":"e","client_id":"c","expires_at":1.0}}}`,
			"whole number"},
		{"exponent", `{"a":{"OAuth":{"access_token":"a","token_endpoint":"e","client_id":"c","expires_at":1e3}}}`,
			"whole number"},
		{"minus zero", `{"a":{"OAuth":{"access_token":"a","token_endpoint":"e","client_id":"c","expires_at":-0}}}`,
			"whole number"},
		{"over 64 bits",
			`{"a":{"OAuth":{"access_token":"a","token_endpoint":"e","client_id":"c","expires_at":9223372036854775808}}}`,
			"whole number"},
		{"text expires_at", `{"a":{"OAuth":{"access_token":"a","token_endpoint":"e","client_id":"c","expires_at":"1"}}}`,
			"whole number"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parse([]byte(tt.file)); tt.why != "" {
				testenv.WantError(t, err, "", tt.why)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSetRattler(t *testing.T) {
	bearer := []envsync.Entry{handOver(t, "https://h.test:8443/simple ports=any", regpass.Bearer, "ignored", "jwt<&>")}
	s3 := handOver(t, "s3://bucket/ch", regpass.S3, "AKIA", "key")
	s3.Cred.Host = "s3://bucket"
	session := s3
	session.Cred.SessionToken = regpass.NewSecret("sess")
	const other = `"a.test":{"BearerToken":"t\u0041"}`
	for _, tt := range []struct {
		name     string
		keys     keyRule
		old      string // "-": no file
		entries  []envsync.Entry
		now      string
		wildcard bool
	}{
		{"bearer", exact, "-", bearer, `{"h.test":{"BearerToken":"jwt<&>"}}` + "\n", false},
		{"Basic", exact, "{}", []envsync.Entry{handOver(t, "h.test", regpass.Basic, "u", `p "x\`)},
			`{"h.test":{"BasicHTTP":{"username":"u","password":"p \"x\\"}}}`, false},
		{"Basic without a user name", exact, "{}", []envsync.Entry{handOver(t, "h.test", regpass.Basic, "", "p")},
			`{"h.test":{"BasicHTTP":{"username":"","password":"p"}}}`, false},
		{"conda", exact, "{ }", []envsync.Entry{handOver(t, "h.test", regpass.CondaToken, "", "xy-1")},
			`{"h.test":{"CondaToken":"xy-1"} }`, false},
		{"s3", exact, "{}", []envsync.Entry{s3},
			`{"s3://bucket/ch":{"S3Credentials":{"access_key_id":"AKIA","secret_access_key":"key"}}}`, false},
		{"s3 session", exact, "{}", []envsync.Entry{session},
			`{"s3://bucket/ch":{"S3Credentials":{"access_key_id":"AKIA","secret_access_key":"key","session_token":"sess"}}}`,
			false},
		{"IPv6", wildcard, "{}", []envsync.Entry{handOver(t, "http://[::1]:80/x", regpass.Bearer, "", "t")},
			`{"[::1]":{"BearerToken":"t"}}`, false},
		{"wildcard", wildcard, "{}", bearer, `{"h.test":{"BearerToken":"jwt<&>"},"*.h.test":{"BearerToken":"jwt<&>"}}`, true},
		{"no wildcard for an address", wildcard, "{}", []envsync.Entry{handOver(t, "127.0.0.1", regpass.Bearer, "", "t")},
			`{"127.0.0.1":{"BearerToken":"t"}}`, false},
		{"no wildcard for a top-level name", wildcard, "{}",
			[]envsync.Entry{handOver(t, "localhost", regpass.Bearer, "", "t")}, `{"localhost":{"BearerToken":"t"}}`, false},
		{"no wildcard for s3", wildcard, "{}", []envsync.Entry{handOver(t, "s3://my.bucket", regpass.S3, "i", "k")},
			`{"s3://my.bucket":{"S3Credentials":{"access_key_id":"i","secret_access_key":"k"}}}`, false},
		{"compact", exact, "{" + other + "}", bearer, "{" + other + `,"h.test":{"BearerToken":"jwt<&>"}}`, false},
		{"in place", exact, `{"h.test" : {"CondaToken": "x"}, ` + other + "}\r\n", bearer,
			`{"h.test" : {"BearerToken":"jwt<&>"}, ` + other + "}\r\n", false},
		{"in place under another spelling", exact, `{"\u0068.test":{"CondaToken":"x"}}`, bearer,
			`{"\u0068.test":{"BearerToken":"jwt<&>"}}`, false},
		{"all duplicates", exact, `{"h.test":{"CondaToken":"x"},"h.test":{"CondaToken":"y"}}`, bearer,
			`{"h.test":{"BearerToken":"jwt<&>"},"h.test":{"BearerToken":"jwt<&>"}}`, false},
		{"indented", exact, "{\n  \"a.test\": {\n    \"BearerToken\": \"t\"\n  }\n}\n", bearer,
			"{\n  \"a.test\": {\n    \"BearerToken\": \"t\"\n  },\n  \"h.test\": {\n    \"BearerToken\": \"jwt<&>\"\n  }\n}\n",
			false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			old := []byte(tt.old)
			if tt.old == "-" {
				old = nil
			}
			now, err := tt.keys.set(old, tt.entries)
			if err != nil || string(now) != tt.now {
				t.Fatalf("got  %s, %v\nwant %s", now, err, tt.now)
			}
			if again, err := tt.keys.set(now, tt.entries); err != nil || string(again) != tt.now {
				t.Errorf("set again: %s, %v", again, err)
			}
			if bytes.Contains(now, []byte(`"*.`)) != tt.wildcard {
				t.Errorf("wildcard in %s", now)
			}
			back, err := restore(now, old, tt.keys.keys(tt.entries))
			if err != nil || !bytes.Equal(back, old) || (back == nil) != (old == nil) {
				t.Errorf("restored %s, %v", back, err)
			}
		})
	}
}

func TestRattlerRefuses(t *testing.T) {
	const secret = "s3cr3t"
	for _, tt := range []struct {
		name, ref string
		kind      regpass.Kind
		user, pw  string
		why       string
	}{
		{"empty", "h.test", regpass.Bearer, "", "", "the secret is empty"},
		{"space in a bearer token", "h.test", regpass.Bearer, "", secret + " x", "holds a space"},
		{"line end", "h.test", regpass.Bearer, "", secret + "\n", "control character"},
		{"not UTF-8", "h.test", regpass.Basic, "u", secret + "\xff", "not UTF-8"},
		{"colon in user", "h.test", regpass.Basic, "a:b", secret, "colon"},
		{"path in a conda token", "h.test", regpass.CondaToken, "", secret + "/x", "URL's path"},
		{"dots for a conda token", "h.test", regpass.CondaToken, "", "..", "URL's path"},
		{"s3 without id", "s3://b", regpass.S3, "", secret, "access key id"},
		{"s3 for a host", "h.test", regpass.S3, "i", secret, "not an s3://bucket"},
		{"bearer for s3", "s3://b", regpass.Bearer, "", secret, "not a host"},
		{"unknown kind", "h.test", "magic", "", secret, "no magic credentials"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now, err := exact.set(nil, []envsync.Entry{handOver(t, tt.ref, tt.kind, tt.user, tt.pw)})
			testenv.WantError(t, err, secret, "rattler: ", tt.why)
			if now != nil {
				t.Errorf("also returned %s", now)
			}
		})
	}
	_, err := exact.set(nil, []envsync.Entry{handOver(t, "localhost:1", regpass.Bearer, "", "a"),
		handOver(t, "localhost:2", regpass.Bearer, "", "b")})
	testenv.WantError(t, err, "", "localhost:1 and localhost:2 differ only in the port, and rattler has no ports")
	_, err = exact.set([]byte(`{"x":1}`), []envsync.Entry{handOver(t, "h.test", regpass.Bearer, "", "a")})
	testenv.WantError(t, err, "", `rattler: the entry "x"`)
	_, err = exact.set([]byte{}, []envsync.Entry{handOver(t, "h.test", regpass.Bearer, "", "a")})
	testenv.WantError(t, err, "", "not JSON")
}

func TestRestoreRattlerAfterOthers(t *testing.T) {
	keys := []string{"h.test", "*.h.test"}
	const a, ours, theirs = `"a":{"BearerToken":"a"}`, `"h.test":{"BearerToken":"new"}`, `"h.test":{"CondaToken":"old"}`
	for _, tt := range []struct{ name, before, now, want string }{
		{"added behind", "{}", "{" + ours + "," + a + "}", "{" + a + "}"},
		{"added before", "{}", "{" + a + ", " + ours + "}", "{" + a + "}"},
		{"wildcard too", "{}", "{" + a + "," + ours + `,"*.h.test":{"BearerToken":"new"}}`, "{" + a + "}"},
		{"put back", "{" + theirs + "}", "{" + a + "," + ours + "}", "{" + a + "," + theirs + "}"},
		{"last of two counts", `{"h.test":{"CondaToken":"older"},` + theirs + "}", "{" + a + "," + ours + "}",
			"{" + a + "," + theirs + "}"},
		{"removed", "{" + theirs + "}", "{" + a + "}", "{" + a + "}"},
		{"alone in a file that was there", "{}", "{ " + ours + " }\n", "{  }\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := restore([]byte(tt.now), []byte(tt.before), keys)
			if err != nil || string(got) != tt.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, tt.want)
			}
		})
	}
	if got, err := restore([]byte("{ "+ours+" }"), nil, keys); err != nil || got != nil {
		t.Errorf("a file of ours alone: %s, %v", got, err)
	}
	if got, err := restore(nil, []byte("{}"), keys); err != nil || got != nil {
		t.Errorf("a file that is gone: %s, %v", got, err)
	}
	_, err := restore([]byte("hunter2"), nil, keys)
	testenv.WantError(t, err, "hunter2", "not JSON")
}

func TestPlanRattler(t *testing.T) {
	entries := []envsync.Entry{handOver(t, "https://h.test/conda", regpass.Bearer, "", "new")}
	vars := map[string]string{"RATTLER_AUTH_FILE": "auth.json"}
	env, dir := testenv.New(t, vars), t.TempDir()
	testenv.Write(t, filepath.Join(env.Dir, "auth.json"), `{"a.test":{"BearerToken":"t"}}`)
	p, err := plan(env, dir, entries, envsync.Options{})
	path := filepath.Join(dir, "rattler.json")
	if err != nil || len(p.Changes) != 1 || !p.Changes[0].Private || p.Changes[0].Path != path ||
		string(p.Changes[0].Base) != `{"a.test":{"BearerToken":"t"}}` || p.Changes[0].Format.Name != "rattler" {
		t.Errorf("%+v, %v", p, err)
	}
	if len(p.Vars) != 1 || p.Vars[0].Name != "RATTLER_AUTH_FILE" || p.Vars[0].Plain != path {
		t.Errorf("variables %v", p.Vars)
	}
	if len(p.Warnings) != 0 {
		t.Errorf("warnings %q", p.Warnings)
	}
	testenv.Write(t, filepath.Join(env.Dir, "auth.json"), `{"a.test":{"Magic":"hunter2"}}`)
	_, err = plan(env, dir, entries, envsync.Options{})
	testenv.WantError(t, err, "hunter2", "auth.json is left as it is", `"Magic"`)

	p, err = plan(env, dir, entries, envsync.Options{InPlace: inPlace, Wildcard: true})
	home := filepath.Join(env.Home, ".rattler", "credentials.json")
	if err != nil || len(p.Vars) != 0 || len(p.Changes) != 1 || p.Changes[0].Private || p.Changes[0].Path != home ||
		p.Changes[0].Base != nil || p.Changes[0].Format.Name != "rattler-wildcard" {
		t.Errorf("%+v, %v", p, err)
	}
	testenv.Write(t, filepath.Join(env.Dir, "auth.json"), `{"h.test":{"BearerToken":"t"}}`)
	if p, err = plan(env, dir, entries, envsync.Options{InPlace: inPlace}); err != nil || len(p.Warnings) != 1 ||
		!strings.Contains(p.Warnings[0], "wins over ours") {
		t.Errorf("%q, %v", p.Warnings, err)
	}
	testenv.Write(t, home, "{")
	_, err = plan(env, dir, entries, envsync.Options{InPlace: inPlace})
	testenv.WantError(t, err, "", home+" is left as it is", "not JSON")
	env.Home = ""
	if _, err = plan(env, dir, entries, envsync.Options{InPlace: inPlace}); !errors.Is(err, regpass.ErrUsage) {
		t.Errorf("without a home: %v", err)
	}
}

func TestRattlerWarnings(t *testing.T) {
	for _, tt := range []struct {
		name        string
		entries     []envsync.Entry
		home, netrc string // "": no such file
		o           envsync.Options
		want        string // "": no warning
	}{
		{name: "nothing", entries: []envsync.Entry{handOver(t, "h.test", regpass.Bearer, "", "t")}},
		{"prefix.dev", []envsync.Entry{handOver(t, "https://repo.prefix.dev/acme", regpass.Bearer, "", "t")}, "", "",
			envsync.Options{}, "repo.prefix.dev keeps pixi from getting its own by OpenID Connect"},
		{"not prefix.dev", []envsync.Entry{handOver(t, "notprefix.dev", regpass.Bearer, "", "t")}, "", "", envsync.Options{},
			""},
		{"conda token and PyPI", []envsync.Entry{handOver(t, "https://h.test/api/pypi/main/simple", regpass.CondaToken, "",
			"t")}, "", "", envsync.Options{}, "h.test also serves a PyPI index"},
		{"conda token and PyPI elsewhere named",
			[]envsync.Entry{handOver(t, "https://h.test/conda", regpass.CondaToken, "", "t"),
				handOver(t, "https://h.test/simple", regpass.CondaToken, "", "t")}, "", "", envsync.Options{},
			"h.test also serves a PyPI index"},
		{"conda token alone", []envsync.Entry{handOver(t, "https://h.test/conda", regpass.CondaToken, "", "t"),
			handOver(t, "https://i.test/simple", regpass.Bearer, "", "t")}, "", "", envsync.Options{}, ""},
		{"wildcard on amazonaws.com",
			[]envsync.Entry{handOver(t, "https://acme-1.d.codeartifact.eu-west-1.amazonaws.com/pypi/x/simple", regpass.Basic,
				"aws", "t")}, "", "", envsync.Options{Wildcard: true}, "presigned S3"},
		{"exact on amazonaws.com", []envsync.Entry{handOver(t,
			"https://acme-1.d.codeartifact.eu-west-1.amazonaws.com/pypi/x/simple", regpass.Basic, "aws", "t")}, "", "",
			envsync.Options{}, ""},
		{"no wildcard", []envsync.Entry{handOver(t, "127.0.0.1", regpass.Bearer, "", "t")}, "", "",
			envsync.Options{Wildcard: true}, "no wildcard for 127.0.0.1"},
		{"s3", []envsync.Entry{handOver(t, "s3://b", regpass.S3, "i", "k")}, "", "", envsync.Options{},
			"only if s3-options are set"},
		{"netrc for the host", []envsync.Entry{handOver(t, "h.test", regpass.Bearer, "", "t")}, "",
			"machine h.test login x password hunter2\n", envsync.Options{}, ".netrc has an entry for h.test too"},
		{"netrc for another", []envsync.Entry{handOver(t, "h.test", regpass.Bearer, "", "t")}, "",
			"machine i.test login x\ndefault login y\n", envsync.Options{}, ""},
		{"malformed home", []envsync.Entry{handOver(t, "h.test", regpass.Bearer, "", "t")}, `{"a":"hunter2"}`, "",
			envsync.Options{}, "pixi fails while"},
		{"good home", []envsync.Entry{handOver(t, "h.test", regpass.Bearer, "", "t")}, `{}`, "", envsync.Options{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := testenv.New(t, nil)
			if tt.home != "" {
				testenv.Write(t, filepath.Join(env.Home, ".rattler", "credentials.json"), tt.home)
			}
			if tt.netrc != "" {
				testenv.Write(t, filepath.Join(env.Home, ".netrc"), tt.netrc)
			}
			p, err := plan(env, t.TempDir(), tt.entries, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			warned := strings.Join(p.Warnings, "\n")
			if !strings.Contains(warned, tt.want) || (tt.want == "") != (warned == "") || strings.Contains(warned, "hunter2") {
				t.Errorf("warned %q, not %q", warned, tt.want)
			}
			if seen := slices.Compact(slices.Sorted(slices.Values(p.Warnings))); len(seen) != len(p.Warnings) {
				t.Errorf("a warning twice: %q", p.Warnings)
			}
		})
	}
}

// readRattler is an independent reader: encoding/json into the types that rattler's file has.
func readRattler(data []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something behind the object")
	}
	return all, nil
}

func FuzzRattler(f *testing.F) {
	for _, s := range []string{`{}`, "{\n}", ` { "a" : {"BearerToken":"t"} } `, `{"h.test":{"BearerToken":"t"}}`,
		`{"h.test":{"CondaToken":"t"},"h.test":{"CondaToken":"u"},"b":{"BasicHTTP":{"username":"u","password":"p","x":1e9}}}`,
		"{\n\t\"a\": {\n\t\t" +
			"\"OAuth\": {\"access_token\":\"a\",\"token_endpoint\":\"e\",\"client_id\":\"c\",\"expires_at\":null}\n\t},\n" +
			"\t\"*.h.test\": {\"BearerToken\":\"x\"}\n}\n",
		`{"\u0068.test":{"BearerToken":"\ud83d\ude00"}}`, `{"a":{"BearerToken":"\ud83d"}}`,
		`{"{":{"BearerToken":"}"},"\"":{"BearerToken":","}}`, "null", ""} {
		f.Add(s, "u", "s3cr3t", true)
		f.Add(s, "u\n", "a\"\\<\u2028", false)
	}
	f.Fuzz(func(t *testing.T, old, username, secret string, wildcard bool) {
		keys := keyRule{wildcard}
		entries := []envsync.Entry{handOver(t, "h.test", regpass.Basic, username, secret),
			handOver(t, "i.test:8443 ports=any", regpass.Bearer, username, secret)}
		now, err := keys.set([]byte(old), entries)
		if err != nil {
			if now != nil {
				t.Fatal("an error and a file")
			}
			return
		}
		got, err := readRattler(now)
		if err != nil {
			t.Fatalf("%q: %v", now, err)
		}
		want, err := readRattler([]byte(old))
		if err != nil {
			t.Fatalf("an edit of what cannot be read: %v", err)
		}
		basic := map[string]any{"BasicHTTP": map[string]any{"username": username, "password": secret}}
		bearer := map[string]any{"BearerToken": secret}
		maps.Copy(want, map[string]any{"h.test": basic, "i.test": bearer})
		if wildcard {
			maps.Copy(want, map[string]any{"*.h.test": basic, "*.i.test": bearer})
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q became %q", old, now)
		}
		if again, err := keys.set(now, entries); err != nil || !bytes.Equal(again, now) {
			t.Errorf("set again: %q became %q, %v", now, again, err)
		}
		back, err := restore(now, []byte(old), keys.keys(entries))
		if err != nil || string(back) != old {
			t.Errorf("restored %q, not %q, %v", back, old, err)
		}
		added, err := exact.set(now, []envsync.Entry{handOver(t, "new.test", regpass.CondaToken, "", "c")})
		if err != nil {
			t.Fatal(err)
		}
		if back, err = restore(added, []byte(old), keys.keys(entries)); err != nil {
			t.Fatal(err)
		}
		left, err := readRattler(back)
		before, _ := readRattler([]byte(old))
		before["new.test"] = map[string]any{"CondaToken": "c"}
		if err != nil || !reflect.DeepEqual(left, before) {
			t.Errorf("restored after others %q, made of %q, %v", back, old, err)
		}
	})
}
