package clients

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/internal/testenv"
)

// planned are the variables of a sink's plan, by name.
func planned(t *testing.T, sink string, vars map[string]string, o envsync.Options, entries ...envsync.Entry) (
	map[string]string, error) {
	t.Helper()
	s, err := Find(sink)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(testenv.New(t, vars), "/private/files", entries, o)
	all := map[string]string{}
	for _, v := range p.Vars {
		if _, twice := all[v.Name]; twice {
			t.Errorf("%s: sets %s twice", sink, v.Name)
		}
		all[v.Name] = v.Value()
	}
	return all, err
}

func named(client, name, url string) envsync.Options {
	return envsync.Options{Names: []regpass.Named{{Client: client, Name: name, URL: url}}}
}

func TestVariables(t *testing.T) {
	const odd = `p@:;/ %"'\$é`
	basic := handOver(t, "https://gems.example-co.test/private", regpass.Basic, "u", odd)
	port := handOver(t, "https://gems.test:8811/gems", regpass.Basic, "u", "p")
	bearer := handOver(t, "https://app.my-tf.test", regpass.Bearer, "", "tok")
	for name, c := range map[string]struct {
		sink    string
		vars    map[string]string
		o       envsync.Options
		entry   envsync.Entry
		want    string // NAME=value
		refused string
	}{
		"bundler": {sink: "bundler", entry: basic,
			want: "BUNDLE_GEMS__EXAMPLE___CO__TEST=u:p%40%3A%3B%2F%20%25%22%27%5C%24%C3%A9"},
		"bundler, port": {sink: "bundler", entry: port,
			o:    named("bundler", "https://gems.test:8811/gems", "https://gems.test:8811/gems"),
			want: "BUNDLE_HTTPS://GEMS__TEST:8811/GEMS/=u:p"},
		"bundler, bearer": {sink: "bundler", entry: bearer, refused: "a user name and a password only"},
		"nuget": {sink: "nuget", entry: basic,
			o:    named("nuget", "My Feed", "https://gems.example-co.test/private/v3/index.json"),
			want: "NuGetPackageSourceCredentials_My Feed=Username=u;Password=" + odd + ";ValidAuthenticationTypes=basic"},
		"nuget, other host": {sink: "nuget", entry: basic, o: named("nuget", "x", "https://other.test/")},
		"terraform":         {sink: "terraform", entry: bearer, want: "TF_TOKEN_app_my__tf_test=tok"},
		"terraform, port": {sink: "terraform", entry: handOver(t, "https://tf.test:8443", regpass.Bearer, "", "tok"),
			refused: "names a port"},
		"terraform, underscore": {sink: "terraform", entry: handOver(t, "https://my_tf.test", regpass.Bearer, "", "tok"),
			refused: "underscore"},
		"bundler, underscore": {sink: "bundler", entry: handOver(t, "https://a_.b.test/gems", regpass.Basic, "u", "p"),
			refused: "underscore"},
		"composer, bearer": {sink: "composer", entry: bearer,
			want: `COMPOSER_AUTH={"bearer":{"app.my-tf.test":"tok"}}`},
		"composer, merged": {sink: "composer", entry: port,
			vars: map[string]string{"COMPOSER_AUTH": `{"github-oauth":{"github.com":"x"},` +
				`"http-basic":{"gems.test:8811":{"username":"old","password":"old"}}}`},
			want: `COMPOSER_AUTH={"github-oauth":{"github.com":"x"},` +
				`"http-basic":{"gems.test:8811":{"password":"p","username":"u"}}}`},
		"composer, malformed": {sink: "composer", entry: port,
			vars:    map[string]string{"COMPOSER_AUTH": "secret"},
			refused: "COMPOSER_AUTH is not JSON"},
	} {
		got, err := planned(t, c.sink, c.vars, c.o, c.entry)
		if c.refused != "" {
			testenv.WantError(t, err, "", c.refused)
			continue
		}
		key, value, _ := strings.Cut(c.want, "=")
		if c.want == "" && len(got) > 0 || c.want != "" && got[key] != value || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
	// The readers' own rules: a percent-encoded pair, and JSON.
	got, _ := planned(t, "bundler", nil, envsync.Options{}, basic)
	user, password, _ := strings.Cut(got["BUNDLE_GEMS__EXAMPLE___CO__TEST"], ":")
	if back, err := url.PathUnescape(password); user != "u" || back != odd || err != nil {
		t.Errorf("bundler reads %q", back)
	}
	got, _ = planned(t, "composer", nil, envsync.Options{}, basic)
	var auth map[string]map[string]map[string]string
	if err := json.Unmarshal([]byte(got["COMPOSER_AUTH"]), &auth); err != nil ||
		auth["http-basic"]["gems.example-co.test"]["password"] != odd {
		t.Errorf("composer reads %q, %v", auth, err)
	}
}

// TestGit holds that the user's own GIT_CONFIG_… stay, that each host's helpers are replaced, and that two credentials
// on one host are told apart by the path.
func TestGit(t *testing.T) {
	one := handOver(t, "https://git.test/a", regpass.Basic, "u", "p")
	two := handOver(t, "https://git.test/b", regpass.Basic, "u", "q")
	vars := map[string]string{"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "x"}
	got, err := planned(t, "git", vars, envsync.Options{}, one, two)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for _, n := range []string{"1", "2", "3"} {
		pairs = append(pairs, got["GIT_CONFIG_KEY_"+n]+"="+got["GIT_CONFIG_VALUE_"+n])
	}
	want := []string{"credential.https://git.test.helper=",
		"credential.https://git.test.helper=!'/private/files/bin/git-credential-regpass'",
		"credential.https://git.test.useHttpPath=true"}
	if !slices.Equal(pairs, want) || got["GIT_CONFIG_COUNT"] != "4" || got["GIT_TERMINAL_PROMPT"] != "0" {
		t.Errorf("%q, %v", pairs, got)
	}
	_, err = planned(t, "git", map[string]string{"GIT_CONFIG_COUNT": "x"}, envsync.Options{}, one)
	testenv.WantError(t, err, "", "GIT_CONFIG_COUNT is not a number")
}
