package buildkit

import "testing"

func TestRegistryOf(t *testing.T) {
	for name, want := range map[string]string{
		"app": "registry-1.docker.io", "acme/app:1": "registry-1.docker.io", "docker.io/acme/app": "registry-1.docker.io",
		"reg.example/app": "reg.example", "localhost/app": "localhost", "host:5000/a/b@sha256:0": "host:5000",
	} {
		if got := registryOf(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
