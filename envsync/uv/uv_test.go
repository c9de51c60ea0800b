package uv

import (
	"bytes"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

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

// plan plans a private folder in dir, as the row for uv does.
func plan(env *regpass.Env, dir string, entries []envsync.Entry, o envsync.Options) (envsync.Plan, error) {
	return Plan(env, envsync.Private{
		Path:   filepath.Join(dir, "uv", "credentials.toml"),
		Var:    envsync.Var{Name: "UV_CREDENTIALS_DIR", Plain: filepath.Join(dir, "uv")},
		Format: Store,
	}, entries, o)
}

func TestSetUV(t *testing.T) {
	api := handOver(t, "pyx.dev", regpass.Bearer, "__token__", "jwt")
	api.Cred.Host = "api.pyx.dev"
	local := handOver(t, "pyx.dev", regpass.Bearer, "__token__", "jwt")
	local.Cred.Host = "localhost:8080"
	for _, tt := range []struct {
		name string
		e    envsync.Entry
		now  string
	}{
		{"bearer", handOver(t, "https://h.test/simple", regpass.Bearer, "ignored", "jwt"),
			"[[credential]]\nservice = \"https://h.test/\"\nscheme = \"bearer\"\ntoken = \"jwt\"\n"},
		{"Basic", handOver(t, "https://h.test:8443/simple", regpass.Basic, "u", `p "\`),
			"[[credential]]\nservice = \"https://h.test:8443/\"\nusername = \"u\"\nscheme = \"basic\"\n" +
				"password = \"p \\\"\\\\\"\n"},
		{"Basic without a user name", handOver(t, "https://h.test/simple", regpass.Basic, "", "p"),
			"[[credential]]\nservice = \"https://h.test/\"\nusername = \"\"\nscheme = \"basic\"\npassword = \"p\"\n"},
		{"http on this machine", handOver(t, "http://127.0.0.1:8080/simple", regpass.Bearer, "", "jwt"),
			"[[credential]]\nservice = \"http://127.0.0.1:8080/\"\nscheme = \"bearer\"\ntoken = \"jwt\"\n"},
		{"https on this machine", handOver(t, "https://[::1]:8080/simple", regpass.Bearer, "", "jwt"),
			"[[credential]]\nservice = \"https://[::1]:8080/\"\nscheme = \"bearer\"\ntoken = \"jwt\"\n"},
		{"a host other than the registry's", api,
			"[[credential]]\nservice = \"https://api.pyx.dev/\"\nscheme = \"bearer\"\ntoken = \"jwt\"\n"},
		{"this machine for another host", local,
			"[[credential]]\nservice = \"http://localhost:8080/\"\nscheme = \"bearer\"\ntoken = \"jwt\"\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now, err := set(nil, []envsync.Entry{tt.e})
			if err != nil || string(now) != tt.now {
				t.Fatalf("got  %q, %v\nwant %q", now, err, tt.now)
			}
			if back, err := restore(now, nil, keys([]envsync.Entry{tt.e})); err != nil || back != nil {
				t.Errorf("restored %q, %v", back, err)
			}
		})
	}
}

func TestUVRefuses(t *testing.T) {
	const secret = "s3cr3t"
	for _, tt := range []struct {
		name, ref string
		kind      regpass.Kind
		user, pw  string
		why       string
	}{
		{"conda token", "h.test", regpass.CondaToken, "", secret, "uv has no conda-token credentials"},
		{"s3", "s3://b", regpass.S3, "i", secret, "not a host"},
		{"http elsewhere on this machine", "http://127.0.0.2:80/", regpass.Bearer, "", secret,
			"only to localhost and 127.0.0.1"},
		{"http to ::1", "http://[::1]:80/", regpass.Bearer, "", secret, "only to localhost and 127.0.0.1"},
		{"empty", "h.test", regpass.Bearer, "", "", "is empty"},
		{"space", "h.test", regpass.Bearer, "", secret + " x", "space"},
		{"line end", "h.test", regpass.Basic, "u", secret + "\n", "control"},
		{"colon in user", "h.test", regpass.Basic, "u:v", secret, "colon"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plan(testenv.New(t, nil), t.TempDir(), []envsync.Entry{handOver(t, tt.ref, tt.kind, tt.user, tt.pw)},
				envsync.Options{})
			testenv.WantError(t, err, secret, "uv: ", tt.why)
		})
	}
	a, b := handOver(t, "https://h.test/a", regpass.Bearer, "", "x"),
		handOver(t, "https://h.test/b", regpass.Bearer, "", "y")
	_, err := set(nil, []envsync.Entry{a, b})
	testenv.WantError(t, err, "", "https://h.test/a and https://h.test/b have two credentials")
	one, two := handOver(t, "localhost:1", regpass.Bearer, "", "x"), handOver(t, "localhost:2", regpass.Bearer, "", "y")
	if now, err := set(nil, []envsync.Entry{one, two}); err != nil || bytes.Count(now, []byte("[[credential]]")) != 2 {
		t.Errorf("two ports: %q, %v", now, err)
	}
}

func TestParseUV(t *testing.T) {
	const basic = "username = \"u\"\n"
	for _, tt := range []struct{ name, file, why string }{
		{"nothing", "", ""},
		{"byte order mark", "\ufeff[[credential]]\nservice = \"a.test\"\n" + basic, ""},
		{"basic without scheme", "[[credential]]\nservice = \"https://a.test\"\n" + basic, ""},
		{"bare service", "[[credential]]\nservice = \"a.test\"\n" + basic, ""},
		{"more fields", "[[credential]]\nservice = \"a.test\"\nx = 1\n" + basic, ""},
		{"not TOML", "[[credential]]\nservice = hunter2\n", "line 2 is not TOML"},
		{"not a list", "credential = \"hunter2\"\n", "not a list of credentials"},
		{"no service", "[[credential]]\n" + basic, "credential 1: its service is not a URL"},
		{"http", "[[credential]]\nservice = \"http://a.test\"\n" + basic, "neither https nor"},
		{"no user", "[[credential]]\nservice = \"a.test\"\npassword = \"hunter2\"\n", "basic without user name"},
		{"basic with token", "[[credential]]\nservice = \"a.test\"\ntoken = \"hunter2\"\n" + basic, "basic with a token"},
		{"bearer without token", "[[credential]]\nservice = \"a.test\"\nscheme = \"bearer\"\n", "bearer without token"},
		{"bearer with user", "[[credential]]\nservice = \"a.test\"\nscheme = \"bearer\"\ntoken = \"hunter2\"\n" + basic,
			"bearer with a user name"},
		{"another scheme", "[[credential]]\nservice = \"a.test\"\nscheme = \"Bearer\"\n", "neither basic nor bearer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parse([]byte(tt.file)); tt.why != "" {
				testenv.WantError(t, err, "hunter2", tt.why)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEncode(t *testing.T) {
	text := "\" \\ \b\t\n\f\r\x00\x1f\x7f é\u0080\u2028"
	got := store{Credential: []credential{
		{Service: "a.test", Username: &text, Scheme: "basic", Password: new(string)},
		{Service: "b.test", Scheme: "bearer", Token: &text},
	}}.encode()
	const quoted = `"\" \\ \b\t\n\f\r\u0000\u001f\u007f é` + "\u0080\u2028\""
	want := "[[credential]]\nservice = \"a.test\"\nusername = " + quoted + "\nscheme = \"basic\"\npassword = \"\"\n" +
		"\n[[credential]]\nservice = \"b.test\"\nscheme = \"bearer\"\ntoken = " + quoted + "\n"
	if string(got) != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	f, err := parse(got)
	if err != nil || *f.Credential[0].Username != text || *f.Credential[1].Token != text {
		t.Errorf("read back %+v, %v", f, err)
	}
	if got := (store{Credential: []credential{}}).encode(); string(got) != "credential = []\n" {
		t.Errorf("an empty list: %q", got)
	}
	if got := (store{}).encode(); len(got) != 0 {
		t.Errorf("no list: %q", got)
	}
}

func TestPlanUVCarries(t *testing.T) {
	const mine = `# mine
[[credential]]
service = "https://a.test/simple"
username = "x"
password = "y"
[[credential]]
service = "https://H.test:443/deep/path"
username = "x"
[[credential]]
service = "https://h.test:8443/"
scheme = "bearer"
token = "z"
`
	const want = `[[credential]]
service = "https://a.test/simple"
username = "x"
password = "y"

[[credential]]
service = "https://h.test:8443/"
scheme = "bearer"
token = "z"

[[credential]]
service = "https://h.test/"
scheme = "bearer"
token = "jwt"
`
	entries := []envsync.Entry{handOver(t, "https://h.test/simple", regpass.Bearer, "", "jwt")}
	vars := map[string]string{"UV_CREDENTIALS_DIR": "store"}
	env, dir := testenv.New(t, vars), t.TempDir()
	testenv.Write(t, filepath.Join(env.Dir, "store", "credentials.toml"), mine)
	p, err := plan(env, dir, entries, envsync.Options{})
	if err != nil || len(p.Vars) != 1 || p.Vars[0].Name != "UV_CREDENTIALS_DIR" ||
		p.Vars[0].Plain != filepath.Join(dir, "uv") ||
		len(p.Changes) != 1 || !p.Changes[0].Private || p.Changes[0].Path != filepath.Join(dir, "uv", "credentials.toml") {
		t.Fatalf("%+v, %v", p, err)
	}
	if now, err := set(p.Changes[0].Base, entries); err != nil || string(now) != want {
		t.Errorf("got  %s, %v\nwant %s", now, err, want)
	}
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], `"https://H.test:443/deep/path"`) {
		t.Errorf("warnings %q", p.Warnings)
	}
	testenv.Write(t, filepath.Join(env.Dir, "store", "credentials.toml"), "hunter2")
	p, err = plan(env, dir, entries, envsync.Options{})
	if err != nil || p.Changes[0].Base != nil || len(p.Warnings) != 1 ||
		!strings.Contains(p.Warnings[0], "line 1 is not TOML") || strings.Contains(p.Warnings[0], "hunter2") {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestUVStore(t *testing.T) {
	vars := map[string]string{}
	env := testenv.New(t, vars)
	env.Home = filepath.Join(t.TempDir(), "me")
	if runtime.GOOS != "windows" {
		if got := storePath(env); got != filepath.Join(env.Home, ".local/share/uv/credentials/credentials.toml") {
			t.Error(got)
		}
		vars["XDG_DATA_HOME"] = "relative"
		if got := storePath(env); got != filepath.Join(env.Home, ".local/share/uv/credentials/credentials.toml") {
			t.Error(got)
		}
		vars["XDG_DATA_HOME"] = "/data"
		if got := storePath(env); got != "/data/uv/credentials/credentials.toml" {
			t.Error(got)
		}
	}
	vars["UV_CREDENTIALS_DIR"] = "here"
	if got := storePath(env); got != filepath.Join(env.Dir, "here", "credentials.toml") {
		t.Error(got)
	}
}

func TestRestoreUVAfterOthers(t *testing.T) {
	entries := []envsync.Entry{handOver(t, "h.test", regpass.Bearer, "", "jwt")}
	before := []byte("[[credential]]\nservice = \"https://h.test/\"\nusername = \"old\"\n")
	now, err := set(before, append(entries, handOver(t, "new.test", regpass.Bearer, "", "n")))
	if err != nil {
		t.Fatal(err)
	}
	back, err := restore(now, before, keys(entries))
	if err != nil || !bytes.Contains(back, []byte("new.test")) || !bytes.Contains(back, []byte("old")) ||
		bytes.Contains(back, []byte("jwt")) {
		t.Errorf("restored %s, %v", back, err)
	}
}

// readUV is an independent view of the store: services and their fields, in order.
func readUV(data []byte) ([]map[string]any, error) {
	var f struct{ Credential []map[string]any }
	err := toml.Unmarshal(data, &f)
	return f.Credential, err
}

func FuzzUV(f *testing.F) {
	for _, s := range []string{"",
		"[[credential]]\nservice = \"https://a.test\"\nusername = \"u\"\npassword = '''p\n'''\n",
		"[[credential]]\nservice = \"https://h.test/\"\nscheme = \"bearer\"\ntoken = \"t\"\n" +
			"[[credential]]\nservice = \"https://h.test/\"\nusername = \"u\"\n",
		"credential = [{service = \"a.test\", username = \"\\u00e9\", scheme = \"basic\"}]\n", "x = 1\n"} {
		f.Add(s, "u", "s3cr3t")
		f.Add(s, "é'\"", "\"\"\"\\ # \u0085")
	}
	f.Fuzz(func(t *testing.T, old, username, secret string) {
		entries := []envsync.Entry{handOver(t, "h.test", regpass.Basic, username, secret),
			handOver(t, "localhost:8080", regpass.Bearer, username, secret)}
		now, err := set([]byte(old), entries)
		if err != nil {
			if now != nil {
				t.Fatal("an error and a file")
			}
			return
		}
		got, err := readUV(now)
		if err != nil {
			t.Fatalf("%q: %v", now, err)
		}
		wants := map[string]map[string]any{
			"https://h.test/": {"service": "https://h.test/", "scheme": "basic", "username": username,
				"password": secret},
			"http://localhost:8080/": {"service": "http://localhost:8080/", "scheme": "bearer", "token": secret},
		}
		var others []map[string]any
		for _, c := range got {
			service, _ := c["service"].(string)
			want, ours := wants[service]
			if !ours {
				others = append(others, c)
				continue
			}
			if !reflect.DeepEqual(c, want) {
				t.Errorf("wrote %q for %q", c, want)
			}
			delete(wants, service)
		}
		if len(wants) > 0 {
			t.Errorf("%v is missing from %q", wants, now)
		}
		was, err := parse([]byte(old))
		if err != nil {
			t.Fatal(err)
		}
		kept, err := parse(now)
		if err != nil {
			t.Fatal(err)
		}
		theirs := func(f store) (all []credential) {
			for _, c := range f.Credential {
				if c.Service != "https://h.test/" && c.Service != "http://localhost:8080/" {
					all = append(all, c)
				}
			}
			return all
		}
		if a, b := theirs(was), theirs(kept); !reflect.DeepEqual(a, b) || len(b) != len(others) {
			t.Errorf("the others changed: %q became %q", old, now)
		}
		if again, err := set(now, entries); err != nil || !bytes.Equal(again, now) {
			t.Errorf("set again: %q became %q, %v", now, again, err)
		}
		if back, err := restore(now, []byte(old), keys(entries)); err != nil || string(back) != old {
			t.Errorf("restored %q, not %q, %v", back, old, err)
		}
	})
}
