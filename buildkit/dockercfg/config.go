// Package dockercfg reads docker's own files: its configuration, with the proxies and registry logins in it.
package dockercfg

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"

	"github.com/regpass/regpass"
)

// maxConfig is the largest file of docker or buildx that is read, in bytes: a builder may hold its daemon's files.
const maxConfig = 4 << 20

// Dir is the folder in which docker keeps its configuration: DOCKER_CONFIG, or .docker in the home folder.
func Dir(env *regpass.Env) string {
	if dir := env.Getenv("DOCKER_CONFIG"); dir != "" {
		return dir
	}
	return filepath.Join(env.Home, ".docker")
}

// Read reads a file that docker or buildx wrote, of at most 4 MiB. A larger file is an error, a missing one is
// fs.ErrNotExist.
func Read(path string) ([]byte, error) {
	text, err := regpass.ReadPlain(path, maxConfig)
	switch {
	case errors.Is(err, regpass.ErrTooLong), errors.Is(err, regpass.ErrNotPlain):
		return nil, fmt.Errorf("%s is %w", path, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}

// load reads docker's configuration. A missing file counts as empty.
func load(env *regpass.Env) (*configfile.ConfigFile, error) {
	_, err := Read(filepath.Join(Dir(env), config.ConfigFileName)) // the library would wait for a pipe
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("docker's configuration: %w", quoted{err})
	}
	c, err := config.Load(Dir(env))
	if err != nil {
		return nil, fmt.Errorf("docker's configuration: %w", quoted{err})
	}
	return c, nil
}

// Proxies are the default proxies that docker hands to its containers, by their names in its configuration. Proxies for
// one daemon only are not meant for a builder elsewhere.
func Proxies(env *regpass.Env) (map[string]string, error) {
	c, err := load(env)
	if err != nil {
		return nil, err
	}
	d := c.Proxies["default"]
	return map[string]string{"httpProxy": d.HTTPProxy, "httpsProxy": d.HTTPSProxy, "noProxy": d.NoProxy,
		"ftpProxy": d.FTPProxy}, nil
}
