// Package docker answers "how is a credential said in this file?" for docker's config.json, which buildx, podman,
// buildah, skopeo, crane, oras and helm read too. The file names our helper for each host; the credential is not in it.
package docker

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// configName is the name of the file in the folder that DOCKER_CONFIG names.
const configName = "config.json"

// hub is the key of Docker Hub (https://github.com/docker/cli/blob/master/cli/config/credentials/file_store.go).
const hub = "https://index.docker.io/v1/"

// Config is the format of a private file.
var Config = envsync.Format{Name: "docker", Set: set, Restore: Helpers.Restore, Keys: keys}

// Refuses says why no client of containers takes the credential, or nil.
func Refuses(e envsync.Entry) error {
	switch {
	case !e.Images:
		return fmt.Errorf("docker: %s: no container images: %w", e.Cred.Host, envsync.ErrNotTheirs)
	case e.Cred.Kind != regpass.Basic && e.Cred.Kind != regpass.Bearer || e.Cred.Username == "":
		return regpass.Hintf(fmt.Errorf("docker: %s: docker takes no credential without a user name", e.Cred.Host),
			"add username=NAME to the registry, if the server takes its token as a password")
	}
	if _, err := e.Host(); err != nil {
		return fmt.Errorf("docker: %w", err)
	}
	if err := envsync.CheckPrintable(e.Cred.Secret.Reveal()); err != nil {
		return fmt.Errorf("docker: %s: the password %w", e.Ref, err)
	}
	return envsync.CheckUserName(e.Cred.Username)
}

// set has the file name our helper for the hosts of the entries.
func set(old []byte, entries []envsync.Entry) ([]byte, error) {
	for _, e := range entries {
		if err := Refuses(e); err != nil {
			return nil, err
		}
	}
	if len(bytes.TrimSpace(old)) == 0 {
		old = nil
	}
	file, err := Helpers.Set(old, entries)
	if err != nil {
		return nil, fmt.Errorf("docker: %s: %w", configName, err)
	}
	return file, nil
}

// Plan is the plan of a folder of our own for DOCKER_CONFIG, with the user's config.json and links to all else that
// docker keeps there: contexts, plug-ins, buildx's builders.
func Plan(env *regpass.Env, private envsync.Private, entries []envsync.Entry, _ envsync.Options) (envsync.Plan, error) {
	dir := env.Getenv("DOCKER_CONFIG")
	if dir == "" && env.Home != "" {
		dir = filepath.Join(env.Home, ".docker")
	}
	own := ""
	var base []byte
	if dir != "" {
		dir = env.Abs(dir)
		own = filepath.Join(dir, configName)
		var err error
		if base, err = envsync.ReadExisting(own); err != nil {
			return envsync.Plan{}, fmt.Errorf("docker: %w", err)
		}
	}
	if _, err := set(base, entries); err != nil {
		return envsync.Plan{}, err
	}
	p := private.Plan(entries, base, own, nil)
	if dir == "" {
		return p, nil
	}
	others, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.Notes = append(p.Notes, fmt.Sprintf("docker: contexts and plug-ins in %s are not seen: %v", dir,
			regpass.Reason(err)))
	}
	for _, other := range others {
		if other.Name() != configName {
			p.Links = append(p.Links, envsync.Link{Path: filepath.Join(filepath.Dir(private.Path), other.Name()),
				Target: filepath.Join(dir, other.Name())})
		}
	}
	if env.Getenv("BUILDX_CONFIG") == "" {
		p.Vars = append(p.Vars, envsync.Var{Name: "BUILDX_CONFIG", Plain: filepath.Join(dir, "buildx")})
	}
	return p, nil
}
