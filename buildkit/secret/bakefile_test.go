package secret_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/regpass/regpass/buildkit/secret"
)

func TestBakeFile(t *testing.T) {
	secrets := []secret.UserDefined{{ID: "netrc", Src: "/run/s/netrc"}, {ID: "odd", Src: `/run/${x}/%{y},"z"`},
		{ID: "own", Env: "OWN"}}
	text, err := secret.BakeFile(secrets)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Target map[string]struct{ Secret []string }
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := []string{"id=netrc,src=/run/s/netrc", `id=odd,"src=/run/$${x}/%%{y},""z"""`, "id=own,env=OWN"}
	if len(got.Target) != 1 || !slices.Equal(got.Target["regpass"].Secret, want) {
		t.Errorf("%s", text)
	}
	if allow := secret.BakeAllow(append(secrets, secrets...)); !slices.Equal(allow,
		[]string{"fs.read=/run/${x}", "fs.read=/run/s"}) {
		t.Errorf("%q", allow)
	}
	if text, err := secret.BakeFile(nil); err != nil || !json.Valid(text) || len(secret.BakeAllow(nil)) != 0 {
		t.Errorf("no secrets: %s %v", text, err)
	}
}
