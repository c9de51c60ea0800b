package sts

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/regpass/regpass"
)

// maxConfig is the size of the largest configuration file accepted, in bytes.
const maxConfig = 1 << 20

// LoadConfig reads a Config from a TOML file. Unknown keys and bad values are errors (regpass.ErrUsage) that name the
// key and its line. Paths in the file are relative to its folder.
func LoadConfig(path string) (Config, error) {
	text, err := regpass.ReadFile(path, maxConfig)
	if err != nil {
		return Config{}, fmt.Errorf("serve: %s: %w", path, err)
	}
	file, err := filepath.Abs(path)
	if err != nil {
		return Config{}, fmt.Errorf("serve: %s: %w", path, err)
	}
	cfg, err := parseConfig(text, filepath.Dir(file))
	if err != nil {
		return Config{}, regpass.Usagef("serve: %s: %w", path, err)
	}
	cfg.File = file
	return cfg, nil
}

// configFile is a Config as TOML spells it: a lifetime is a string such as "30m". Its fields shadow those of Config.
type configFile struct {
	Config
	TokenLifetime duration      `toml:"token_lifetime"`
	Trust         []policyTable `toml:"trust"`
}

type policyTable struct {
	Trust
	Lifetime duration `toml:"lifetime"`
}

type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = duration(v)
	return err
}

// config returns the Config that the file describes.
func (f configFile) config() Config {
	c := f.Config
	c.TokenLifetime = time.Duration(f.TokenLifetime)
	for _, t := range f.Trust {
		t.Trust.Lifetime = time.Duration(t.Lifetime)
		c.Trust = append(c.Trust, t.Trust)
	}
	return c
}

// parseConfig reads and checks a Config. Errors begin with the line.
func parseConfig(text []byte, dir string) (Config, error) {
	var f configFile
	if err := decodeConfig(text, &f); err != nil {
		return Config{}, tomlError(text, err)
	}
	c := f.config().complete()
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

func decodeConfig(text []byte, f *configFile) error {
	return toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(f)
}

// tomlError puts the line and the key before the decoder's message. The decoder's String would quote the file.
func tomlError(text []byte, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) {
		first := &unknown.Errors[0]
		line, _ := first.Position()
		return fmt.Errorf("line %d: %s: unknown key", line, regpass.Quote(strings.Join(first.Key(), ".")))
	}
	var bad *toml.DecodeError
	if !errors.As(err, &bad) {
		return fmt.Errorf("line %d: %w", lineOfValue(text), err)
	}
	line, _ := bad.Position()
	message := strings.TrimPrefix(bad.Error(), "toml: ")
	if key := strings.Join(bad.Key(), "."); key != "" {
		message = key + ": " + message
	}
	return fmt.Errorf("line %d: %s", line, message)
}

// lineOfValue returns the line of a value that its own UnmarshalText refused although it is not a string, such as
// max_upload = 1.5: the decoder reports those without a position. It is the last line of the shortest text to fail so.
func lineOfValue(text []byte) int {
	lines := bytes.SplitAfter(text, []byte("\n"))
	return 1 + sort.Search(len(lines)-1, func(n int) bool {
		err := decodeConfig(bytes.Join(lines[:n+1], nil), &configFile{})
		return err != nil && !errors.As(err, new(*toml.StrictMissingError)) && !errors.As(err, new(*toml.DecodeError))
	})
}

// paths lists the settings that name a file or folder.
func (c *Config) paths() []*string {
	all := []*string{&c.TLSCert, &c.TLSKey, &c.SigningKey}
	for i := range c.Indexes {
		all = append(all, &c.Indexes[i].Folder, &c.Indexes[i].UpstreamTokenFile)
	}
	return all
}

// lineOf returns the line of a key such as listen or trust[1].issuer in a document that the decoder has accepted. For
// a key that is absent it is the line of the innermost table that should hold it, or 1. The decoder reports positions
// only for its own errors, so this walks the syntax tree.
func lineOf(text []byte, key string) int {
	line, longest := 1, 0
	key = strings.ToLower(key) // the decoder, too, ignores case
	table, count := "", map[string]int{}
	var p unstable.Parser
	p.Reset(text)
	for p.NextExpression() {
		e := p.Expression()
		var parts []string
		var start unstable.Range
		for it := e.Key(); it.Next(); {
			if parts == nil {
				start = it.Node().Raw
			}
			parts = append(parts, string(it.Node().Data))
		}
		path := strings.ToLower(strings.Join(parts, "."))
		switch e.Kind {
		case unstable.ArrayTable:
			table = fmt.Sprintf("%s[%d]", path, count[path])
			count[path]++
			path = table
		case unstable.Table: // [trust.claims] belongs to the last [[trust]]
			first, rest, _ := strings.Cut(path, ".")
			if n := count[first]; n > 0 {
				path = fmt.Sprintf("%s[%d].%s", first, n-1, rest)
			}
			table = path
		default:
			path = strings.TrimPrefix(table+"."+path, ".")
		}
		if len(path) > longest && (key == path || strings.HasPrefix(key, path+".") || strings.HasPrefix(key, path+"[")) {
			line, longest = p.Shape(start).Start.Line, len(path)
		}
	}
	return line
}
