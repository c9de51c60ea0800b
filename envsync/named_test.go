package envsync

import (
	"maps"
	"slices"
	"testing"

	"github.com/regpass/regpass"
)

// TestByNameOfTwoHosts: of two sources of one name nuget takes the later, and it knows no case. The credential may not
// follow the name to a stranger's host.
func TestByNameOfTwoHosts(t *testing.T) {
	ref, err := regpass.ParseRef("https://ours.test/feed")
	if err != nil {
		t.Fatal(err)
	}
	entries := []Entry{{Ref: ref, Cred: regpass.Credential{Host: "ours.test"}}}
	var names []regpass.Named
	for _, kv := range [][2]string{
		{"ours", "https://ours.test/feed"}, {"ours", "https://ours.test/feed/v3"},
		{"later", "https://ours.test/feed"}, {"later", "https://theirs.test/"},
		{"first", "https://theirs.test/"}, {"first", "https://ours.test/feed"},
		{"Case", "https://ours.test/feed"}, {"cASE", "https://theirs.test/"},
		{"again", "https://ours.test/"}, {"again", "https://theirs.test/"}, {"again", "https://theirs.test/"},
		{"broken", "https://ours.test/"}, {"broken", "https://%zz/"},
		{"other", "https://ours.test/feed"},
	} {
		names = append(names, regpass.Named{Client: "nuget", Name: kv[0], URL: kv[1]})
	}
	names = append(names, regpass.Named{Client: "npm", Name: "other", URL: "https://theirs.test/"})
	got := slices.Sorted(maps.Keys(ByName("nuget", names, entries)))
	if want := []string{"other", "ours"}; !slices.Equal(got, want) {
		t.Errorf("the names with a credential are %q, want %q", got, want)
	}
}
