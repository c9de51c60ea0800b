package registry_test

import (
	"testing"

	"github.com/regpass/regpass/internal/testenv"
	"github.com/regpass/regpass/registry"
)

// TestBucketIsNoHost fails where a bucket, which anybody may call as they like, is taken for a registry's host: a file
// of the checkout that names it would get that registry's key.
func TestBucketIsNoHost(t *testing.T) {
	env := testenv.New(t, nil)
	for _, host := range []string{"evil.prefix.dev", "repo.prefix.dev", "conda.anaconda.org", "npm.fury.io",
		"dl.cloudsmith.io", "libraries.cgr.dev", "acmeimages.azurecr.io", "europe-west1-python.pkg.dev", "gcr.io", "ghcr.io",
		"quay.io", "docker.io",
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com", "gitlab.com", "registry.gitlab.com", "pyx.dev", "registry.npmjs.org",
		"crates.io", "rubygems.org", "packages.buildkite.com", "acme.jfrog.io", "pkgs.dev.azure.com"} {
		row, err := registry.Find(env, ref(t, "s3://"+host))
		if err != nil || row.Name != "s3" {
			t.Errorf("the bucket %s is of the row %s, %v", host, row.Name, err)
		}
	}
}
