package netrc

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gonetrc "github.com/jdx/go-netrc"

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

// plan plans a private file in dir, as the row for netrc does.
func plan(env *regpass.Env, dir string, entries []envsync.Entry, o envsync.Options) (envsync.Plan, error) {
	path := filepath.Join(dir, "netrc")
	return Plan(env, envsync.Private{Path: path, Var: envsync.Var{Name: "NETRC", Plain: path}, Format: Private}, entries,
		o)
}

func inPlace(path string) envsync.Options {
	return envsync.Options{InPlace: map[string]string{"netrc": path}}
}

func TestSetNetrcKeepsTheRest(t *testing.T) {
	entry := []envsync.Entry{handOver(t, "https://h.test:8443/simple ports=any", regpass.Bearer, "__token__", "jwt.a-b_c")}
	const ours = "machine h.test\nlogin __token__\npassword jwt.a-b_c\n"
	for _, tt := range []struct{ name, old, now string }{
		{"an empty file", "", ours},
		{"a new entry at the end", "machine a.test login x password y\n", "machine a.test login x password y\n" + ours},
		{"no final line end", "machine a.test login x password y", "machine a.test login x password y\n" + ours},
		{"CR LF", "machine a.test login x\r\n",
			"machine a.test login x\r\nmachine h.test\r\nlogin __token__\r\npassword jwt.a-b_c\r\n"},
		{"comments in CR LF", "machine a.test\r\n# machine x\r\nlogin x\r\n# machine y\r\n",
			"machine a.test\r\n# machine x\r\nlogin x\r\n# machine y\r\n" +
				"machine h.test\r\nlogin __token__\r\npassword jwt.a-b_c\r\n"},
		{"comments", "# first\n\nmachine a.test # x\nlogin x\n", "# first\n\nmachine a.test # x\nlogin x\n" + ours},
		{"before default", "machine a.test login x\n  default login d password e\n",
			"machine a.test login x\n" + ours + "  default login d password e\n"},
		{"before default in a line", "machine a.test login x default login d",
			"machine a.test login x \n" + ours + "default login d"},
		{"an entry in one line", "machine h.test login x password y # why\nmachine b.test login z\n",
			"machine h.test login __token__ password jwt.a-b_c # why\nmachine b.test login z\n"},
		{"an entry in lines", "machine h.test\n\tlogin x\n# why\n\tpassword y\n",
			"machine h.test\n\tlogin __token__\n# why\n\tpassword jwt.a-b_c\n"},
		{"account stays", "machine h.test account z login x password y",
			"machine h.test account z login __token__ password jwt.a-b_c"},
		{"user becomes login", "machine h.test user x password y", "machine h.test login __token__ password jwt.a-b_c"},
		{"quotes go", "machine \"h.test\" login \"x y\" password \"y\\\"\"\n",
			"machine h.test login __token__ password jwt.a-b_c\n"},
		{"what is missing is added", "machine h.test # why\n", ours[:len(ours)-1] + " # why\n"},
		{"value on a line of its own", "machine \nh.test\nlogin\n\nx\npassword y\n", ours},
		{"every duplicate", "machine h.test login a password b\nmachine H.Test login c password d\n",
			"machine h.test login __token__ password jwt.a-b_c\nmachine h.test login __token__ password jwt.a-b_c\n"},
		{"a macro is no entry", "macdef init\nmachine h.test login x\n\nmachine a.test login x\n",
			"macdef init\nmachine h.test login x\n\nmachine a.test login x\n" + ours},
		{"a macro without end", "macdef init\nput x", "macdef init\nput x\n\n" + ours},
		{"other hosts with that ending", "machine xh.test login x\nmachine h.test.a login y\n",
			"machine xh.test login x\nmachine h.test.a login y\n" + ours},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now, err := set([]byte(tt.old), entry)
			if err != nil || string(now) != tt.now {
				t.Fatalf("got  %q, %v\nwant %q", now, err, tt.now)
			}
			back, err := restore(now, []byte(tt.old), keys(entry))
			if err != nil || string(back) != tt.old {
				t.Errorf("restored %q, %v", back, err)
			}
		})
	}
}

// A password without a user name is an entry without a login, and without an account, which requests would take for
// one.
func TestSetNetrcWithoutUserName(t *testing.T) {
	entry := []envsync.Entry{handOver(t, "h.test", regpass.Basic, "", "p4ss")}
	for _, tt := range []struct{ name, old, now string }{
		{"a new entry", "machine a.test login x\n", "machine a.test login x\nmachine h.test\npassword p4ss\n"},
		{"an entry in one line", "machine h.test login x account z password y\n",
			"machine h.test   password p4ss\n"},
		{"an entry in lines", "machine h.test\nlogin x\npassword y\n", "machine h.test\n\npassword p4ss\n"},
		{"an entry with a login alone", "machine h.test user x\n", "machine h.test\npassword p4ss \n"},
	} {
		now, err := set([]byte(tt.old), entry)
		if err != nil || string(now) != tt.now {
			t.Fatalf("%s: got  %q, %v\nwant %q", tt.name, now, err, tt.now)
		}
		if a, found, broken := curlNetrc(tt.now, "h.test"); a != (account{"", "p4ss"}) || !found || broken {
			t.Errorf("%s: curl reads %v, %v, %v", tt.name, a, found, broken)
		}
		back, err := restore(now, []byte(tt.old), keys(entry))
		if err != nil || string(back) != tt.old {
			t.Errorf("%s: restored %q, %v", tt.name, back, err)
		}
	}
}

func TestSetNetrcRefusesFiles(t *testing.T) {
	entry := []envsync.Entry{handOver(t, "h.test", regpass.Basic, "u", "p")}
	for _, tt := range []struct{ name, old, why string }{
		{"BOM", "\ufeffmachine a.test login x\n", "byte order mark"},
		{"not UTF-8", "machine a.test login \xff\n", "not UTF-8"},
		{"control byte", "machine a.test login x\x00\n", "line 1: it holds the control byte 0x00"},
		{"lone CR", "machine a.test\rlogin x\n", "0x0d"},
		{"wide space", "machine a.test login x\u0085machine\n", "white space outside of ASCII"},
		{"unknown word", "machine a.test login hush hunter2 password x\n",
			"line 1: there is a word that is not a netrc keyword"},
		{"port", "machine a.test\nport 443\n", "line 2: there is a word"},
		{"upper case keyword", "MACHINE a.test login x\n", "not a netrc keyword"},
		{"nothing behind machine", "machine", "machine has no value"},
		{"empty machine", "machine \"\" login x", "machine has no name"},
		{"nothing behind password", "machine a.test login x\npassword\n", "line 2: password has no value"},
		{"no entry", "login x", "outside of an entry"},
		{"no entry after a macro", "machine a.test\nmacdef m\n\nlogin x", "outside of an entry"},
		{"open quote", "machine a.test password \"x\n", "not closed"},
		{"quote and more", "machine a.test password \"x\"y\n", "right after a closing quote"},
		{"escaped space", "machine a.test password x\\ y\n", "backslash"},
		{"macdef without name", "macdef\nx\n\n", "macdef has no name"},
		{"macdef with more", "macdef init \nmachine h.test login x\n\n", "the beginning of a macdef"},
		{"macdef in CR LF", "macdef init\r\nmachine h.test login x\r\n\r\n", "CR LF"},
		{"comment for curl", "machine a.test password #x\n", "for a comment"},
		{"entry for curl", "machine a.test login default password x\n", "for a new entry"},
		{"keyword for curl", "machine a.test account password login x\n", "takes for one"},
		{"keyword for curl on the next line", "machine a.test login \nPassword\n", "takes for one"},
		{"host is a keyword", "machine default login x\n", "name of a keyword"},
		{"backslash in a host", "machine a\\.test login x\n", "backslash in a host"},
		{"entry for Python", "machine a.test login x\n\n# machine h.test login o password p\n", "Python"},
		{"first comment for Python", "#old machine h.test login o password p\nmachine a.test login x\n", "Python"},
		{"fields for Python", "machine h.test login x password y\n\n# login old\n", "Python"},
		{"comment behind a comment for Python", "machine a.test login x\n\n#x \n#x user \n", "Python"},
		{"comment and backslash", "#x\\\nmachine a.test login x\n", "first word ends in a backslash"},
		{"long line", "machine a.test password " + strings.Repeat("x", 4096), "no line over 4095"},
		{"comes after default", "default login d password e\nmachine h.test login x password y\n", "comes after default"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now, err := set([]byte(tt.old), entry)
			testenv.WantError(t, err, "hunter2", "netrc: ", tt.why)
			if now != nil {
				t.Errorf("also returned %q", now)
			}
		})
	}
}

func TestNetrcRefusesCredentials(t *testing.T) {
	const secret = "s3cr3t"
	for _, tt := range []struct {
		name, ref string
		kind      regpass.Kind
		user, pw  string
		why       string
	}{
		{"bearer without user", "h.test", regpass.Bearer, "", secret, "no user name"},
		{"conda token", "h.test", regpass.CondaToken, "u", secret, "conda-token"},
		{"s3", "s3://bucket", regpass.S3, "AKIA", secret, "not a host"},
		{"empty password", "h.test", regpass.Basic, "u", "", "the password is empty"},
		{"newline", "h.test", regpass.Basic, "u", secret + "\nmachine evil.test", "printable ASCII"},
		{"space", "h.test", regpass.Basic, "u", secret + " x", "printable ASCII"},
		{"not ASCII", "h.test", regpass.Basic, "u", secret + "à", "printable ASCII"},
		{"quote", "h.test", regpass.Basic, "u", secret + `"`, "holds a quote"},
		{"single quote", "h.test", regpass.Basic, "u", "'" + secret, "holds a quote"},
		{"backslash", "h.test", regpass.Basic, "u", secret + `\`, "holds a backslash"},
		{"comment", "h.test", regpass.Basic, "u", "#" + secret, "begins with #"},
		{"keyword", "h.test", regpass.Basic, "u", "Machine", "keyword"},
		{"user with space", "h.test", regpass.Basic, "u x", secret, "the user name"},
		{"user with colon", "h.test", regpass.Basic, "u:x", secret, "holds a colon"},
		{"host is a keyword", "default", regpass.Basic, "u", secret, "the host has the name of a netrc keyword"},
		{"too long", "h.test", regpass.Basic, "u", secret + strings.Repeat("x", 4090), "4095"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := []envsync.Entry{handOver(t, tt.ref, tt.kind, tt.user, tt.pw)}
			_, err := set(nil, e)
			testenv.WantError(t, err, secret, "netrc: ", tt.why)
			_, err = plan(testenv.New(t, nil), t.TempDir(), e, envsync.Options{})
			testenv.WantError(t, err, secret, tt.why)
		})
	}
	longest := handOver(t, "h.test", regpass.Basic, "u", strings.Repeat("x", 4084))
	if _, err := set([]byte("machine a.test\r\nlogin x\r\n"), []envsync.Entry{longest}); err != nil {
		t.Errorf("a password that just fits: %v", err)
	}
}

func TestNetrcHasNoPorts(t *testing.T) {
	one := handOver(t, "localhost:8001", regpass.Basic, "u", "p")
	two := handOver(t, "localhost:8002", regpass.Basic, "u", "q")
	_, err := set(nil, []envsync.Entry{one, two})
	testenv.WantError(t, err, "", "localhost:8001 and localhost:8002 differ only in the port, and netrc has no ports")
	if !errors.Is(err, regpass.ErrUsage) {
		t.Error("not a usage error")
	}
	path := handOver(t, "http://localhost:8001/b", regpass.Basic, "u", "q")
	_, err = set(nil, []envsync.Entry{one, path})
	testenv.WantError(t, err, "", "two credentials")
	two.Cred.Secret = one.Cred.Secret
	if now, err := set(nil, []envsync.Entry{one, two}); err != nil || strings.Count(string(now), "machine") != 1 {
		t.Errorf("one credential for two ports: %q, %v", now, err)
	}
}

// What clients would send to every port of a host that is not this machine is not written unless the person says so.
func TestNetrcPorts(t *testing.T) {
	for ref, want := range map[string]bool{"h.test": true, "https://h.test:443": true, "h.test:8443": false,
		"h.test:8443 ports=any": true, "127.0.0.1:8080": true, "http://[::1]:8080": true, "localhost:8443": true,
		"https://localhost.evil.test:8443": false} {
		e := handOver(t, ref, regpass.Basic, "u", "p")
		for _, f := range []envsync.Format{InPlace, Private} {
			_, err := f.Set(nil, []envsync.Entry{e})
			if want != (err == nil) || want == errors.Is(err, envsync.ErrPorts) {
				t.Errorf("%s: %s: %v", f.Name, ref, err)
			}
		}
	}
}

func TestNetrcIPv6(t *testing.T) {
	e := []envsync.Entry{handOver(t, "http://[::1]:8080/simple", regpass.Basic, "u", "p")}
	now, err := set(nil, e)
	const want = "machine ::1\nlogin u\npassword p\nmachine [::1]\nlogin u\npassword p\n"
	if err != nil || string(now) != want {
		t.Fatalf("%q, %v", now, err)
	}
	if back, err := restore(now, nil, keys(e)); err != nil || back != nil {
		t.Errorf("restored %q, %v", back, err)
	}
}

func TestRestoreNetrcAfterOthers(t *testing.T) {
	keys := []string{"h.test"}
	for _, tt := range []struct{ name, before, now, want string }{
		{"others added", "machine a.test login x\n",
			"machine a.test login x\nmachine h.test\nlogin u\npassword p\nmachine b.test login y\n",
			"machine a.test login x\nmachine b.test login y\n"},
		{"ours came back", "machine h.test login x password y\n", "# new\nmachine h.test login u password p\n",
			"# new\nmachine h.test login x password y\n"},
		{"others removed ours", "machine h.test login x password y\n", "machine b.test login y\n",
			"machine b.test login y\n"},
		{"in one line with others", "", "machine a.test login x machine h.test login u password p machine b.test login y\n",
			"machine a.test login x  machine b.test login y\n"},
		{"two became one", "machine h.test login a\nmachine h.test login b\n",
			"machine h.test login u password p\nmachine c.test\n",
			"machine h.test login a\nmachine h.test login b\nmachine c.test\n"},
		{"one became two", "machine h.test login a\n", "machine h.test login u\nmachine c.test\nmachine h.test login u\n",
			"machine h.test login a\nmachine c.test\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := restore([]byte(tt.now), []byte(tt.before), keys)
			if err != nil || string(got) != tt.want {
				t.Errorf("got  %q, %v\nwant %q", got, err, tt.want)
			}
		})
	}
	if got, err := restore([]byte("machine h.test\nlogin u\npassword p\n\n"), nil, keys); err != nil || got != nil {
		t.Errorf("a file of ours alone: %q, %v", got, err)
	}
	if got, err := restore(nil, []byte("machine a.test login x\n"), keys); err != nil || got != nil {
		t.Errorf("a file that is gone: %q, %v", got, err)
	}
	_, err := restore([]byte("hunter2"), nil, keys)
	testenv.WantError(t, err, "hunter2", "netrc: line 1")
}

func TestPlanNetrcCarries(t *testing.T) {
	const mine = `# mine
machine a.test user x account "z" password y # note
machine q.test login x password "two words"
machine b.test login x password a\b
machine c.test login x password #c
machine k.test login machine password y
machine u.test login x password pässword
default login d password e
machine Late.Test password "only"
machine h.test login old password old
macdef init
machine m.test login x

`
	const want = "machine a.test\nlogin x\naccount z\npassword y\nmachine Late.Test\npassword only\n" +
		"machine h.test\nlogin u\npassword p\ndefault\nlogin d\npassword e\n"
	entries := []envsync.Entry{handOver(t, "h.test", regpass.Basic, "u", "p")}
	env, dir := testenv.New(t, nil), t.TempDir()
	testenv.Write(t, filepath.Join(env.Home, ".netrc"), mine)
	p, err := plan(env, dir, entries, envsync.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Vars) != 1 || p.Vars[0].Name != "NETRC" || p.Vars[0].Plain != filepath.Join(dir, "netrc") {
		t.Errorf("variables %v", p.Vars)
	}
	if len(p.Changes) != 1 || !p.Changes[0].Private || p.Changes[0].Path != filepath.Join(dir, "netrc") {
		t.Fatalf("changes %v", p.Changes)
	}
	now, err := p.Changes[0].Format.Set(p.Changes[0].Base, entries)
	if err != nil || string(now) != want {
		t.Errorf("got  %q, %v\nwant %q", now, err, want)
	}
	all := strings.Join(p.Warnings, "\n")
	for _, part := range []string{`"q.test" is not in the private file: its password holds something other`,
		`"b.test" is not in the private file: its password holds a backslash`,
		`"c.test" is not in the private file: line 5: curl takes`, `"k.test" is not in the private file: line 6`, `"u.test"`,
		"macdef"} {
		if !strings.Contains(all, part) {
			t.Errorf("no warning %q in %q", part, all)
		}
	}
	if len(p.Warnings) != 6 {
		t.Errorf("%d warnings: %q", len(p.Warnings), all)
	}
	if got, _ := os.ReadFile(filepath.Join(env.Home, ".netrc")); string(got) != mine {
		t.Error("the user's netrc was touched")
	}
}

func TestPlanNetrcReadsWhatClientsRead(t *testing.T) {
	entries := []envsync.Entry{handOver(t, "h.test", regpass.Basic, "u", "p")}
	vars := map[string]string{}
	env := testenv.New(t, vars)
	testenv.Write(t, filepath.Join(env.Home, ".netrc"), "machine home.test login x\n")
	testenv.Write(t, filepath.Join(env.Dir, "rel"), "machine rel.test login x\n")
	testenv.Write(t, filepath.Join(env.Home, "tilde"), "machine tilde.test login x\n")
	for from, want := range map[string]string{"": "home.test", "rel": "rel.test", "~/tilde": "tilde.test",
		"/does/not/exist": "", os.DevNull: ""} {
		vars["NETRC"] = from
		p, err := plan(env, t.TempDir(), entries, envsync.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if base := string(p.Changes[0].Base); want == "" && base != "" || !strings.Contains(base, want) {
			t.Errorf("NETRC=%q: carried %q", from, base)
		}
	}
	delete(vars, "NETRC")
	home := env.Home
	env.Home = os.DevNull
	if p, err := plan(env, t.TempDir(), entries, envsync.Options{}); err != nil || p.Changes[0].Base != nil {
		t.Errorf("without a home: %v", err)
	}
	env.Home = home
	testenv.Write(t, filepath.Join(env.Dir, "big"), strings.Repeat("#", envsync.MaxExisting+1))
	testenv.Write(t, filepath.Join(env.Dir, "bad"), "hunter2")
	for from, why := range map[string]string{"big": "longer than", "bad": "line 1", ".": "not a plain file"} {
		vars["NETRC"] = from
		_, err := plan(env, t.TempDir(), entries, envsync.Options{})
		testenv.WantError(t, err, "hunter2", why)
	}
}

func TestPlanNetrcInPlace(t *testing.T) {
	entries := []envsync.Entry{handOver(t, "h.test", regpass.Basic, "u", "p")}
	env := testenv.New(t, nil)
	home := filepath.Join(env.Home, ".netrc")
	p, err := plan(env, t.TempDir(), entries, inPlace(home))
	if err != nil || len(p.Vars) != 0 || len(p.Changes) != 1 || p.Changes[0].Private || p.Changes[0].Path != home ||
		p.Changes[0].Format.Name != "netrc" {
		t.Errorf("%+v, %v", p, err)
	}
	testenv.Write(t, filepath.Join(env.Dir, "x"), "# c\n")
	p, err = plan(env, t.TempDir(), entries, inPlace("x"))
	if path := filepath.Join(env.Dir, "x"); err != nil || len(p.Vars) != 1 || p.Vars[0].Plain != path ||
		p.Changes[0].Path != path || len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "pixi") {
		t.Errorf("%+v, %v", p, err)
	}
	testenv.Write(t, home, "machine")
	_, err = plan(env, t.TempDir(), entries, inPlace(home))
	testenv.WantError(t, err, "", home+" is left as it is", "machine has no value", "makes a private one")
}

// TestGoNetrcHoles shows for each known hole of go-netrc v1.0.0 that it is there and that our result is right.
func TestGoNetrcHoles(t *testing.T) {
	entries := []envsync.Entry{handOver(t, "h.test", regpass.Basic, "u", "p")}
	for _, tt := range []struct{ name, old, host, login, password string }{
		{"comment inside an entry", "machine a.test\n# note\nlogin x\npassword y\n", "a.test", "x", "y"},
		{"# in front of a word in quotes", "machine a.test login x password \"#y\"\n", "a.test", "x", "#y"},
		{"quotes", "machine a.test login x password \"y\"\n", "a.test", "x", "y"},
		{"quotes with a space", "machine a.test login x password \"y z\"\n", "a.test", "x", "y z"},
		{"macdef", "macdef m\nmachine a.test login m password m\n\nmachine a.test login x password y\n", "a.test", "x", "y"},
		{"byte A0", "machine a.test login x password xà\n", "a.test", "x", "xà"},
		{"case of a host", "machine A.TEST login x password y\n", "a.test", "x", "y"},
		{"no final line end", "machine a.test login x password y", "a.test", "x", "y"},
		{"default", "default login d password e\n", "h.test", "u", "p"},
		{"account", "machine h.test account z login x password y\n", "h.test", "u", "p"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := gonetrc.ParseString(tt.old)
			if err != nil {
				t.Fatal(err)
			}
			n.AddMachine("h.test", "u", "p")
			theirs := n.Render()
			got, _, _ := curlNetrc(theirs, tt.host)
			m := n.Machine(tt.host)
			if m != nil && m.Get("login") == tt.login && m.Get("password") == tt.password &&
				got == (account{tt.login, tt.password}) &&
				strings.Contains(theirs, "account") == strings.Contains(tt.old, "account") {
				t.Errorf("go-netrc alone is right: %q", theirs)
			}
			now, err := set([]byte(tt.old), entries)
			if err != nil {
				t.Fatal(err)
			}
			if got, _, _ := curlNetrc(string(now), tt.host); got != (account{tt.login, tt.password}) {
				t.Errorf("curl reads %q from %q", got, now)
			}
			if got, _, _ := curlNetrc(string(now), "h.test"); got != (account{"u", "p"}) {
				t.Errorf("curl reads %q for us from %q", got, now)
			}
			if strings.Contains(tt.old, "account z") && !strings.Contains(string(now), "account z") {
				t.Errorf("the account is gone: %q", now)
			}
		})
	}
	for _, password := range []string{"p\nmachine evil.test", "p p", "#p", "machine", "default"} {
		n := gonetrc.New("")
		n.AddMachine("h.test", "u", password)
		if verify([]byte(n.Render()), []machine{{"h.test", "u", password}}) == nil {
			t.Errorf("go-netrc alone carries %q", password)
		}
		if _, err := set(nil, []envsync.Entry{handOver(t, "h.test", regpass.Basic, "u", password)}); err == nil {
			t.Errorf("we write %q", password)
		}
	}
}

func TestRereadSurvivesGoNetrc(t *testing.T) {
	want := []machine{{"h.test", "u", "p"}}
	for content, why := range map[string]string{
		"machine":                "cannot be read", // go-netrc panics
		"":                       "reads differently",
		"machine h.test login u": "reads differently",
		"machine " + strings.Repeat("x", 70<<10) + "\nmachine h.test\nlogin u\npassword p\n": "cannot be read",
		// and stops without a word at a long one
	} {
		testenv.WantError(t, verify([]byte(content), want), "", why)
	}
	if err := verify([]byte("machine h.test\nlogin u\npassword p\n"), want); err != nil {
		t.Error(err)
	}
}

func TestNetrcPrivateSubset(t *testing.T) {
	// What is carried is what go-netrc reads rightly, whatever stood there.
	for _, s := range seeds {
		base, _, err := portableCopy([]byte(s))
		if err != nil {
			continue
		}
		e := []envsync.Entry{handOver(t, "h.test", regpass.Basic, "u", "p")}
		now, err := setPrivate(base, e)
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		hosts, err := pythonNetrc(string(now))
		if err != nil || hosts["h.test"] != (account{"u", "p"}) {
			t.Errorf("%q became %q: %q, %v", s, now, hosts, err)
		}
		if lines := strings.Fields(string(now)); slices.Contains(lines, "macdef") ||
			strings.ContainsAny(string(now), "#\"\\\r\t") {
			t.Errorf("%q became %q", s, now)
		}
	}
}
