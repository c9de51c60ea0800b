package buildtool

import (
	"errors"
	"strings"
	"testing"

	"github.com/regpass/regpass"
)

func TestFindBuild(t *testing.T) {
	for _, c := range []struct {
		command string
		words   string // empty: does not build
		at      int
	}{
		{"docker build .", "docker build", 2},
		{"docker build -- .", "docker build", 2},
		{"docker build", "docker build", 2},
		{"/usr/bin/docker build .", "docker build", 2},
		{"docker.exe build .", "docker build", 2},
		{"docker image build .", "docker image build", 3},
		{"docker builder build .", "docker builder build", 3},
		{"docker buildx build .", "docker buildx build", 3},
		{"docker buildx b .", "docker buildx b", 3},
		{"docker buildx bake app", "docker buildx bake", 3},
		{"docker bake", "docker bake", 2},
		{"docker --context build buildx build .", "docker buildx build", 5},
		{"docker --context=x -D buildx --builder y build .", "docker buildx build", 7},
		{"docker -c x -Htcp://y -l debug build .", "docker build", 7},
		{"podman build .", "podman build", 2},
		{"podman --log-level debug -r image build .", "podman image build", 6},
		{"buildah bud .", "buildah bud", 2},
		{"buildah --root /r build .", "buildah build", 4},
		{"docker", "", 0},
		{"docker buildx", "", 0},
		{"docker --context build", "", 0},
		{"docker run build", "", 0},
		{"docker run --rm x build", "", 0},
		{"docker buildx ls build", "", 0},
		{"docker compose build", "", 0},
		{"docker --new-flag x build .", "", 0},
		{"docker --config", "", 0},
		{"buildah bake", "", 0},
		{"nerdctl build .", "", 0},
		{"env docker build .", "", 0},
	} {
		b, ok := find(strings.Fields(c.command))
		if b.Words != c.words || b.At != c.at || ok != (c.words != "") {
			t.Errorf("%s: %q at %d, %v; want %q at %d", c.command, b.Words, b.At, ok, c.words, c.at)
		}
	}
}

func TestBuildCommandsHaveDialects(t *testing.T) {
	for _, b := range Commands {
		d, err := FindDialect(b.Dialect)
		if err != nil || d.Words == nil {
			t.Errorf("%s: %v", b.Words, err)
		}
		program, _, _ := strings.Cut(b.Words, " ")
		if _, ok := globalFlags[program]; !ok {
			t.Errorf("%s: the flags of %s are not known", b.Words, program)
		}
	}
	if Dialects[0].Words == nil {
		t.Error("the default needs flags")
	}
}

func TestOldBuilderIsRefused(t *testing.T) {
	for _, c := range []struct {
		command, buildkit string
		refused           bool
	}{
		{"docker build .", "0", true},
		{"docker image build .", "false", true},
		{"docker build .", "1", false},
		{"docker build .", "", false},
		{"docker build .", "no idea", false},
		{"docker buildx build .", "0", false},
		{"docker bake", "0", false},
		{"podman build .", "0", false},
		{"make", "0", false},
	} {
		env := &regpass.Env{Getenv: func(string) string { return c.buildkit }}
		_, _, err := FindBuild(env, strings.Fields(c.command))
		if (err != nil) != c.refused || err != nil && !errors.Is(err, regpass.ErrUsage) {
			t.Errorf("DOCKER_BUILDKIT=%s %s: %v", c.buildkit, c.command, err)
		}
	}
}

func TestOneLine(t *testing.T) {
	for word, ok := range map[string]bool{
		"id=netrc,src=/run/user/1000/regpass/files/secrets/netrc": true, "*.secrets+=id=a,src=/b": true,
		"id=GIT_AUTH_TOKEN.127.0.0.1:80,src=/a": true,
		"":                                      false, "/a b": false, "$HOME": false, "`id`": false, "a;b": false,
		`"id=a,b"`: false, "a\nb": false, "~x": false, "[a]": false, "a?": false, `C:\x`: false,
	} {
		if line, err := OneLine([]string{"--secret", word}); (err == nil) != ok || ok && line != "--secret "+word {
			t.Errorf("%q: %q, %v", word, line, err)
		}
	}
}
