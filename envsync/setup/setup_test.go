package setup

import (
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/internal/testenv"
)

func entriesFor(t *testing.T, refs ...string) (all []envsync.Entry) {
	t.Helper()
	for _, text := range refs {
		r, c := testenv.Credential(t, text, regpass.Basic, "u", "p")
		all = append(all, envsync.Entry{Ref: r, Cred: c})
	}
	return all
}

// TestSetup holds that a file that only we changed is put back byte for byte, that setting twice changes nothing, and
// that what somebody else wrote meanwhile stays.
func TestSetup(t *testing.T) {
	two := entriesFor(t, "https://a.example/x", "https://b.example:8443/y")
	for _, tt := range []struct {
		client, old string
		has         string                  // what the file then says
		edit        func(now string) string // by somebody else
		want        string                  // of the edited file, when it is put back
	}{
		{client: "docker", old: "", has: "{\"credHelpers\": {\"a.example\": \"regpass\",\"b.example:8443\": \"regpass\"}}\n"},
		{client: "docker", old: `{"auths":{}}`, has: `{"auths":{},"credHelpers": {"a.example": "regpass",`},
		{client: "docker", old: "{\r\n  \"credHelpers\": {\r\n    \"a.example\": \"theirs\"\r\n  }\r\n}",
			has: "{\r\n  \"credHelpers\": {\r\n    \"a.example\": \"regpass\",\r\n" +
				"    \"b.example:8443\": \"regpass\"\r\n  }\r\n}",
			edit: func(now string) string { return strings.Replace(now, "{", `{"x": 1,`, 1) },
			want: "{\"x\": 1,\r\n  \"credHelpers\": {\r\n    \"a.example\": \"theirs\"\r\n  }\r\n}"},
		{client: "docker", old: `{"a": 1}`, has: "regpass",
			edit: func(now string) string {
				return strings.Replace(now, `"a.example": "regpass"`, `"a.example": "other"`, 1)
			},
			want: `{"a": 1,"credHelpers": {"a.example": "other"}}`},
		{client: "git", old: "[user]\n\tname = x", has: "[user]\n\tname = x\n# regpass",
			edit: func(now string) string { return now + "[a]\n" }, want: "[user]\n\tname = x\n[a]\n"},
		{client: "git", old: "", has: "[credential \"https://b.example:8443\"]\n\thelper =\n\thelper = regpass\n",
			edit: func(now string) string {
				return strings.Replace(now, "\thelper = regpass\n", "\thelper = regpass\n\tx = 1\n", 1)
			},
			want: "[credential \"https://a.example\"]\n\tx = 1\n"},
		{client: "git", old: "[a]\r\n", has: "\thelper = regpass\r\n"},
		{client: "cargo", old: "[net]\nretry = 1\n", has: "[net]\nretry = 1\n# regpass",
			edit: func(now string) string { return "# x\n" + now }, want: "# x\n[net]\nretry = 1\n"},
		{client: "cargo", old: "[ registry ] # mine\ndefault = \"a\"\n[net]\n", has: "[ registry ] # mine\n# regpass",
			edit: func(now string) string { return now + "retry = 1\n" },
			want: "[ registry ] # mine\ndefault = \"a\"\n[net]\nretry = 1\n"},
		{client: "goauth", old: "GOPROXY=x\n", has: "\nGOAUTH=goauth-regpass; netrc\n"},
		{client: "goauth", old: "GOAUTH=off\n", has: "\nGOAUTH=goauth-regpass\n"},
		{client: "goauth", old: "GOAUTH=git /x\n", has: "\nGOAUTH=goauth-regpass; git /x\n"},
		{client: "bazel", old: "common --x\n", has: "\ncommon --credential_helper=b.example=bazel-credential-regpass\n"},
	} {
		t.Run(tt.client+" "+tt.old, func(t *testing.T) {
			c, err := Find(tt.client)
			if err != nil {
				t.Fatal(err)
			}
			entries := two
			if !c.TakesHosts() {
				entries = nil
			}
			var old []byte
			if tt.old != "" {
				old = []byte(tt.old)
			}
			now, err := c.Format.Set(old, entries)
			if err != nil || !strings.Contains(string(now), tt.has) {
				t.Fatalf("set: %q, %v; want %q in it", now, err, tt.has)
			}
			if again, err := c.Format.Set(now, entries); err != nil || string(again) != string(now) {
				t.Errorf("set twice: %q, %v", again, err)
			}
			keys := c.Format.Keys(entries)
			back, err := c.Format.Restore(now, old, keys)
			if err != nil || string(back) != tt.old || (back == nil) != (old == nil) {
				t.Errorf("put back: %q, %v", back, err)
			}
			if tt.edit == nil {
				return
			}
			if back, err = c.Format.Restore([]byte(tt.edit(string(now))), old, keys); err != nil || string(back) != tt.want {
				t.Errorf("put back when edited: %q, %v; want %q", back, err, tt.want)
			}
		})
	}
}

func TestSetupRefuses(t *testing.T) {
	one := entriesFor(t, "https://a.example/x")
	for client, old := range map[string]string{
		"docker":  "[]",
		"docker ": `{"credHelpers": []}`,
		"git":     "[a]\n\tb = c \\\n",
		"git ":    "\xff",
		"cargo":   "[registry\n",
		"cargo ":  "[registry]\nglobal-credential-providers = []\n",
		"cargo  ": "registry = {default = \"x\"}\n",
	} {
		c, err := Find(strings.TrimSpace(client))
		if err != nil {
			t.Fatal(err)
		}
		if now, err := c.Format.Set([]byte(old), one); err == nil {
			t.Errorf("%s: %q became %q", client, old, now)
		}
	}
	_, err := Find("keyring")
	testenv.WantError(t, err, "", "cannot be installed")
}
