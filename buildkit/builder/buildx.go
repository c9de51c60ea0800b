package builder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/dockercfg"
)

// builderName matches the names that buildx allows (store/util.go). They hold no separator, so they are safe as file
// names.
var builderName = regpass.Pattern(`^[a-z][a-z0-9._-]*$`)

// nodeGroup is a builder as buildx keeps it in instances/NAME (buildx, store/nodegroup.go).
type nodeGroup struct {
	Name, Driver string
	Nodes        []node
}

type node struct {
	Name       string
	Endpoint   string // a docker context, a docker host, or the address of a remote BuildKit
	DriverOpts map[string]string
}

func buildxDir(env *regpass.Env) string {
	if dir := env.Getenv("BUILDX_CONFIG"); dir != "" {
		return dir
	}
	return filepath.Join(dockercfg.Dir(env), "buildx")
}

// namedBuilder is the builder of that name, otherwise the docker context of that name.
func namedBuilder(ctx context.Context, env *regpass.Env, name string) (candidate, error) {
	b, err := readBuilder(env, name)
	if errors.Is(err, fs.ErrNotExist) {
		d, err := DockerContext(env, name)
		if errors.Is(err, fs.ErrNotExist) {
			return candidate{}, regpass.Hintf(regpass.Usagef("there is no builder and no docker context %s",
				regpass.Quote(name)), "`docker buildx ls` lists them")
		}
		if err != nil {
			return candidate{}, err
		}
		w, err := d.candidate()
		w.named = true
		return w, err
	}
	if err != nil {
		return candidate{}, err
	}
	return b.candidate(ctx, env)
}

// currentBuilder is the builder that `docker buildx build` would use. It reads buildx's files as buildx does
// (store.Txn.Current), but writes nothing: buildx repairs the files at the same time.
func currentBuilder(ctx context.Context, env *regpass.Env) (candidate, error) {
	d, err := CurrentDocker(env)
	if err != nil {
		return candidate{}, err
	}
	key := d.key()
	var current struct {
		Key, Name string
		Global    bool
	}
	text, err := dockercfg.Read(filepath.Join(buildxDir(env), "current"))
	if err == nil {
		err = json.Unmarshal(text, &current)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return candidate{}, fmt.Errorf("current: %w", err)
	}
	name := ""
	if current.Name != "" && (current.Global || current.Key == key) {
		name = current.Name
	} else {
		sum := sha256.Sum256([]byte(key))
		text, err := dockercfg.Read(filepath.Join(buildxDir(env), "defaults", hex.EncodeToString(sum[:])[:20]))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return candidate{}, fmt.Errorf("defaults: %w", err)
		}
		name = string(text)
	}
	if name == "" {
		return candidate{}, errSkip{"no builder is chosen in " + buildxDir(env)}
	}
	b, err := readBuilder(env, name)
	if errors.Is(err, fs.ErrNotExist) {
		return candidate{}, errSkip{"the chosen builder " + regpass.Quote(name) + " is gone"}
	}
	if err != nil {
		return candidate{}, err
	}
	return b.candidate(ctx, env)
}

// readBuilder reads one of buildx's builders. A missing one is fs.ErrNotExist.
func readBuilder(env *regpass.Env, name string) (nodeGroup, error) {
	name = strings.ToLower(name)
	if !builderName().MatchString(name) {
		return nodeGroup{}, fmt.Errorf("%s can be no builder's name: %w", regpass.Quote(name), fs.ErrNotExist)
	}
	text, err := dockercfg.Read(filepath.Join(buildxDir(env), "instances", name))
	if err != nil {
		return nodeGroup{}, err
	}
	var b nodeGroup
	if err := json.Unmarshal(text, &b); err != nil {
		return nodeGroup{}, fmt.Errorf("builder %s: %w", name, err)
	}
	if len(b.Nodes) == 0 {
		return nodeGroup{}, fmt.Errorf("builder %s has no nodes", name)
	}
	return b, nil
}
