package netrc

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// seeds are files with what readers stumble over.
var seeds = []string{
	"",
	"machine a.test login x password y\n",
	"machine h.test login x password y\n",
	"machine h.test\r\nlogin x\r\npassword y\r\n",
	"machine h.test # why\n\tuser x # old\n\taccount z\n\tpassword \"y z\"",
	"# first\nmachine a.test login x password y\n#machine h.test login o password p\nmachine b.test\nlogin q\npassword r",
	"machine a.test login x password y\n\n# machine h.test login o password p\n",
	"machine a.test login x password y\n\n# \"\" x\nmachine b.test login x password y\n",
	"#x machine h.test login o password p\nmachine a.test login x password y\n",
	"#foo\\\nmachine h.test login o password p\n",
	"macdef init\nmachine h.test login m password m\n\nmachine a.test login x password y\n",
	"macdef init\r\nmachine h.test login m password m\r\n\r\nmachine a.test login x password y\r\n",
	"machine a.test login x password y\nmacdef init\nput machine h.test",
	"macdef init \nmachine h.test login m password m\n\n",
	"machine a.test login x password y\ndefault login d password e\n",
	"machine a.test login x password y default login d password e\n",
	"default login d password e\nmachine h.test login x password y\n",
	"machine h.test login a password b\nmachine a.test login x password y\nmachine H.TEST login c password d\n",
	"machine \nh.test\nlogin \nx\npassword\n\ny\n",
	"machine a.test login machine password default\n",
	"machine a.test account login login x password y\n",
	"machine a.test login x password #y\n",
	"machine a.test login x password a\\ b\n",
	"machine a.test login x password \"a\\\"b\"\n",
	"machine a.test login x password \"a\"b\n",
	"machine a.test login",
	"machine",
	"machine h.test",
	"machine h.test login x\nmacdef m\nlogin evil\npassword evil\n\n",
	"machine a.test port 443 login x password y\n",
	"\ufeffmachine a.test login x password y\n",
	"machine a.test login x\u00a0machine password y\n",
	"machine a.test login x password y\r",
	"machine a.test login \"\" password y\n",
	"machine a.test login x password y",
	"machine 0 login \npAssword",
	"machine b.test login x password y\n\n#x \n#x user \n",
	"macdef 0\r\n0 0 0 0\n\"0",
}

func FuzzNetrcSet(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, "user", "p4ss")
	}
	f.Add("machine h.test login a password b\n", "machine", "default")
	f.Add("machine h.test login a password b\n", "#u", "a b\nmachine evil.test")
	f.Fuzz(checkNetrcSet)
}

// netrcWords are what FuzzNetrcWords makes files of.
var netrcWords = []string{" ", "\n", "\n\n", "\r\n", "\t", " \n", "machine ", "machine h.test ", "machine H.test\n",
	"machine a.test ", "login ", "password ",
	"user ", "account ", "default ", "macdef ", "macdef m\n", "# ", "#", "#x ", "\"", "\\", "h.test ", "a.test ", "x ",
	"yy\n", "\"z z\" ", "\"\" ", "\"login\" ",
	"login x ", "password y\n", "login x password y\n", "Login ", "MACHINE ", "machine b.test login x password y\n",
	"machine c.test login q password r "}

// FuzzNetrcWords finds more than FuzzNetrcSet does by chance, since its files are nearly well-formed.
func FuzzNetrcWords(f *testing.F) {
	f.Add([]byte{33, 7, 31, 14, 31})
	f.Fuzz(func(t *testing.T, program []byte) {
		var old strings.Builder
		for _, b := range program {
			old.WriteString(netrcWords[int(b)%len(netrcWords)])
		}
		checkNetrcSet(t, old.String(), "user", "p4ss")
	})
}

// checkNetrcSet holds Set to what curl and Python read before and after.
func checkNetrcSet(t *testing.T, old, username, password string) {
	e := handOver(t, "h.test", regpass.Basic, username, password)
	out, err := set([]byte(old), []envsync.Entry{e})
	if err != nil {
		if out != nil {
			t.Fatal("an error and a file")
		}
		return
	}
	now, want := string(out), account{username, password}
	if got, _, _ := curlNetrc(now, "h.test"); got != want {
		t.Errorf("curl reads %q from %q made of %q", got, now, old)
	}
	before, beforeErr := pythonNetrc(old)
	if beforeErr == nil {
		after, err := pythonNetrc(now)
		if err != nil || after["h.test"] != want {
			t.Errorf("Python reads %q, %v from %q made of %q", after["h.test"], err, now, old)
		}
		for host, a := range before {
			if !strings.EqualFold(host, "h.test") && after[host] != a {
				t.Errorf("Python reads %q for %q, not %q as before, from %q", after[host], host, a, now)
			}
		}
	}
	parsed, err := parse([]byte(old))
	if err != nil {
		t.Fatalf("an edit of what cannot be read: %v", err)
	}
	for _, o := range parsed.entries {
		if o.matches("h.test") || o.isDefault {
			continue
		}
		was, _, _ := curlNetrc(old, o.head.text)
		if is, _, _ := curlNetrc(now, o.head.text); was != is {
			t.Errorf("curl reads %q for %q, not %q as before, from %q", is, o.head.text, was, now)
		}
	}
	if slices.ContainsFunc(parsed.entries, func(o entry) bool { return o.matches("h.test") }) {
		if a, b := outside(t, []byte(old), username), outside(t, out, username); a != b {
			t.Errorf("outside of our entry %q became %q", a, b)
		}
	} else if in, ok := inserted(old, now); !ok || strings.Join(strings.Fields(in), " ") != entryText(e.Cred) {
		t.Errorf("%q became %q: more than our entry was added", old, now)
	}
	again, err := set(out, []envsync.Entry{e})
	if err != nil || !bytes.Equal(again, out) {
		t.Errorf("set again: %v: %q became %q", err, out, again)
	}
}

// entryText is our entry in one line.
func entryText(c regpass.Credential) string {
	login := "login " + c.Username + " "
	if c.Username == "" {
		login = ""
	}
	return "machine h.test " + login + "password " + c.Secret.Reveal()
}

// inserted returns the one text that was put into old to make now.
func inserted(old, now string) (string, bool) {
	if len(now) < len(old) {
		return "", false
	}
	for at := range len(old) + 1 {
		if in := now[at : at+len(now)-len(old)]; now == old[:at]+in+old[at:] &&
			strings.HasPrefix(strings.TrimSpace(in), "machine h.test") {
			return in, true
		}
	}
	return "", false
}

// outside is all of a netrc but our entry's host, login and password, and account where there is no user name, without
// regard to white space.
func outside(t *testing.T, data []byte, username string) string {
	f, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	var edits []envsync.Replacement
	for _, e := range f.entries {
		if !e.matches("h.test") {
			continue
		}
		edits = append(edits, envsync.Replacement{Start: e.start, End: e.head.end})
		for _, v := range e.fields {
			if v.name() != "account" || username == "" {
				edits = append(edits, envsync.Replacement{Start: v.key.start, End: v.value.end})
			}
		}
	}
	return strings.Join(strings.Fields(string(envsync.Splice(data, edits))), " ")
}

func FuzzNetrcRestore(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, true)
	}
	f.Add("", false)
	f.Fuzz(func(t *testing.T, old string, exists bool) {
		before := []byte(old)
		if !exists {
			before = nil
		}
		entries := []envsync.Entry{
			handOver(t, "https://h.test/simple", regpass.Bearer, "__token__", "t0ken"),
			handOver(t, "a.test", regpass.Basic, "u", "p"),
		}
		now, err := set(before, entries)
		if err != nil {
			return
		}
		back, err := restore(now, before, keys(entries))
		if err != nil || !bytes.Equal(back, before) || (back == nil) != (before == nil) {
			t.Fatalf("set and restore made %q of %q, %v", back, before, err)
		}
		// Others added an entry since: it stays, ours goes, and what was there is there again.
		added, err := set(now, []envsync.Entry{handOver(t, "new.test", regpass.Basic, "n", "w")})
		if err != nil {
			t.Fatal(err)
		}
		back, err = restore(added, before, keys(entries))
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := curlNetrc(string(back), "new.test"); got != (account{"n", "w"}) &&
			!bytes.Contains(before, []byte("new.test")) {
			t.Errorf("the entry of others reads %q in %q", got, back)
		}
		for _, host := range []string{"h.test", "a.test"} {
			was, hadIt, _ := curlNetrc(string(before), host)
			if is, hasIt, _ := curlNetrc(string(back), host); is != was || hasIt != hadIt {
				t.Errorf("%s reads %q, not %q as before, from %q made of %q", host, is, was, back, before)
			}
		}
	})
}
