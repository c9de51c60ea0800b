package sts

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/regpass/regpass"
)

// maxConfig is the largest configuration that is read, in bytes.
const maxConfig = 1 << 20

// LoadConfig reads a Config from a TOML file. Unknown keys and bad values are errors (regpass.ErrUsage) that name the
// key and its line. Paths in the file are relative to its folder.
func LoadConfig(path string) (Config, error) {
	text, err := regpass.ReadFile(path, maxConfig)
	if err != nil {
		return Config{}, fmt.Errorf("sts: config %s: %w", path, err)
	}
	cfg, err := parseConfig(string(text), filepath.Dir(path))
	if err != nil {
		return Config{}, regpass.Usagef("sts: config %s: %w", path, err)
	}
	return cfg, nil
}

// parseConfig reads and checks a Config. Errors begin with the line.
func parseConfig(text, dir string) (Config, error) {
	var c Config
	meta, err := toml.Decode(text, &c)
	if err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return Config{}, fmt.Errorf("line %d: %s: %s", at.Position.Line, at.LastKey, at.Message)
		}
		return Config{}, err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		key := unknown[0].String()
		return Config{}, fmt.Errorf("line %d: %s: unknown key", lineOf(text, key), regpass.Quote(key))
	}
	c = c.complete()
	if err := c.check(); err != nil {
		var bad *keyError
		if errors.As(err, &bad) {
			return Config{}, fmt.Errorf("line %d: %w", lineOf(text, bad.Key), bad)
		}
		return Config{}, err
	}
	for _, p := range c.paths() {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	return c, nil
}

// paths are the settings that name a file or folder.
func (c *Config) paths() []*string {
	all := []*string{&c.TLSCert, &c.TLSKey, &c.SigningKey}
	for i := range c.Indexes {
		all = append(all, &c.Indexes[i].Folder, &c.Indexes[i].UpstreamTokenFile)
	}
	return all
}

var (
	tableLine = regpass.Pattern(`^\s*\[{1,2}\s*([^\[\]]+?)\s*\]{1,2}\s*(?:#.*)?$`)
	keyLine   = regpass.Pattern(`^\s*"?([A-Za-z0-9_.-]+)"?\s*=`)
	keyPath   = regpass.Pattern(`^(.+?)\[(\d+)\](?:\.(.*))?$`)
)

// lineOf finds the line of a key such as listen, trust.nme (in any of the tables) or trust[1].issuer. If the key is not
// there it is the line of its table, else 1. The decoder knows lines only of keys that are in no list.
func lineOf(text, key string) int {
	table, wanted, last := "", -1, key
	if m := keyPath().FindStringSubmatch(key); m != nil {
		_, _ = fmt.Sscan(m[2], &wanted)
		table, last = m[1], m[3]
	} else if i := strings.IndexByte(key, '.'); i >= 0 {
		table, last = key[:i], key[i+1:]
	}
	found, here, seen := 1, table == "", -1
	for i, line := range strings.Split(text, "\n") {
		if m := tableLine().FindStringSubmatch(line); m != nil {
			if m[1] == key {
				return i + 1
			}
			here = m[1] == table
			if here {
				seen++
				here = wanted < 0 || seen == wanted
			}
			if here {
				found = i + 1
			}
			continue
		}
		m := keyLine().FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if here && (m[1] == last || strings.HasPrefix(last, m[1]+".")) || table != "" && m[1] == table {
			return i + 1
		}
	}
	return found
}
