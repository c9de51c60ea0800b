package clients

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/internal/testenv"
)

// condaReads is conda's own lookup (conda/gateways/anaconda_client.py, read_binstar_tokens, and
// conda/gateways/connection/session.py, CondaHttpAuth.add_binstar_token): the token for a channel's URL.
func condaReads(files map[string]string, channel string) string {
	for name, token := range files {
		prefix, err := url.QueryUnescape(strings.TrimSuffix(name, ".token"))
		if err == nil && strings.HasPrefix(channel, prefix) {
			return token
		}
	}
	return ""
}

func TestConda(t *testing.T) {
	home := t.TempDir()
	testenv.Write(t, filepath.Join(home, ".local/share/binstar/https%3A%2F%2Fmine.test.token"), "mine")
	testenv.Write(t, filepath.Join(home, ".local/share/binstar/config.yaml"), "x: y")
	env := testenv.New(t, nil)
	env.Home = home
	dir := t.TempDir()
	conda, err := Find("conda")
	if err != nil {
		t.Fatal(err)
	}
	plan := func(entries ...envsync.Entry) (map[string]string, error) {
		p, err := conda.Plan(env, dir, entries, envsync.Options{})
		files := map[string]string{}
		for _, c := range p.Changes {
			text, err := c.Format.Set(c.Base, c.Entries)
			if err != nil || !c.Private || filepath.Dir(c.Path) != filepath.Join(dir, "conda/data") {
				t.Errorf("%s: %v", c.Path, err)
			}
			files[filepath.Base(c.Path)] = string(text)
		}
		return files, err
	}
	files, err := plan(handOver(t, "https://a.test/private", regpass.CondaToken, "", "tk-a"),
		handOver(t, "b.test", regpass.CondaToken, "", "tk-b"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for channel, want := range map[string]string{
		"https://a.test/private/linux-64/repodata.json": "tk-a", "https://a.test/other/linux-64/": "",
		"https://a.test/private2/linux-64/": "", "http://a.test/private/": "", "https://a.test.evil.test/private/": "",
		"https://b.test/any/noarch/": "tk-b", "https://b.test.evil.test/any/": "", "https://b.test:8443/any/": "",
		"https://mine.test/x/": "mine", "https://evil.test/": "",
	} {
		if got := condaReads(files, channel); got != want {
			t.Errorf("%s gets %q, want %q", channel, got, want)
		}
	}
	for secret, want := range map[string]string{"tk/../x": "no path can", "tk a": "no path can", "tk?x": "no path can",
		"tk\n": "control character"} {
		_, err := plan(handOver(t, "b.test", regpass.CondaToken, "", secret))
		testenv.WantError(t, err, secret, want)
	}
	_, err = plan(handOver(t, "b.test", regpass.Basic, "u", "p4ss"))
	testenv.WantError(t, err, "p4ss", "conda reads the netrc")
	_, err = plan(handOver(t, "b.test", regpass.CondaToken, "", "one"),
		handOver(t, "b.test", regpass.CondaToken, "", "two"))
	testenv.WantError(t, err, "", "have two credentials")
}
