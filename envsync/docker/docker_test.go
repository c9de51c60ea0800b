package docker

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
	"github.com/regpass/regpass/internal/testenv"
)

func image(t *testing.T, ref string, kind regpass.Kind, username string) envsync.Entry {
	t.Helper()
	r, c := testenv.Credential(t, ref, kind, username, "password")
	return envsync.Entry{Ref: r, Cred: c, Images: true}
}

// TestSet holds that the file names our helper, under docker's own name for Docker Hub, and that all else stays, byte
// for byte.
func TestSet(t *testing.T) {
	hub, own := image(t, "docker.io", regpass.Basic, "u"), image(t, "images.test:8443", regpass.Bearer, "u")
	for old, want := range map[string]string{
		"": `{"credHelpers": {"https://index.docker.io/v1/": "regpass","images.test:8443": "regpass"}}` + "\n",
		`{"auths": {}, "credHelpers": {"images.test:8443": "theirs", "other.test": "x"}, "big": 1234567890123456789}`: "" +
			`{"auths": {}, "credHelpers": {"images.test:8443": "regpass", "other.test": "x",` +
			`"https://index.docker.io/v1/": "regpass"}, "big": 1234567890123456789}`,
	} {
		got, err := set([]byte(old), []envsync.Entry{hub, own})
		if err != nil || string(got) != want {
			t.Errorf("%q becomes\n%s, %v; want\n%s", old, got, err, want)
		}
	}
	for _, bad := range []string{"[]", "{", `{"credHelpers": []}`} {
		_, err := set([]byte(bad), []envsync.Entry{own})
		testenv.WantError(t, err, "", "docker: config.json: ")
	}
}

func TestRefuses(t *testing.T) {
	index := image(t, "https://pkgs.test/simple", regpass.Basic, "u")
	index.Images = false
	testenv.WantError(t, Refuses(index), "", "no container images")
	testenv.WantError(t, Refuses(image(t, "images.test", regpass.Bearer, "")), "", "no credential without a user name")
}

// TestPlan holds that what docker keeps beside its file is linked, and that buildx finds its builders.
func TestPlan(t *testing.T) {
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".docker", "contexts"), 0o700); err != nil {
		t.Fatal(err)
	}
	env := testenv.New(t, nil)
	env.Home = home
	private := envsync.Private{Path: "/private/docker/config.json", Format: Config,
		Var: envsync.Var{Name: "DOCKER_CONFIG"}}
	p, err := Plan(env, private, []envsync.Entry{image(t, "images.test", regpass.Basic, "u")}, envsync.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := envsync.Link{Path: "/private/docker/contexts", Target: filepath.Join(home, ".docker", "contexts")}
	if len(p.Links) != 1 || p.Links[0] != want {
		t.Errorf("links %v", p.Links)
	}
	last := p.Vars[len(p.Vars)-1]
	if last.Name != "BUILDX_CONFIG" || last.Plain != filepath.Join(home, ".docker", "buildx") {
		t.Errorf("variables %v", p.Vars)
	}
}
