package project

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/toml"
)

// npmDefaults are the registries that every project has without a word. A file that names one asks for nothing.
var npmDefaults = []string{"https://registry.npmjs.org", "https://registry.yarnpkg.com"}

// addNPM adds a registry of npm's clients under the name of its setting: "registry", or "@scope:registry".
func (n *named) addNPM(setting, url string) {
	if url == "" || slices.Contains(npmDefaults, strings.TrimRight(url, "/")) {
		return
	}
	n.others = append(n.others, url)
	n.names = append(n.names, regpass.Named{Client: "npm", Name: setting, URL: url})
}

func isNPMRegistry(key string) bool {
	return key == "registry" || strings.HasPrefix(key, "@") && strings.HasSuffix(key, ":registry")
}

// readNpmrc reads an .npmrc (https://docs.npmjs.com/cli/configuring-npm/npmrc). What stands below a section counts for
// nothing there.
func readNpmrc(text string) (n named, err error) {
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		if strings.HasPrefix(strings.TrimSpace(line), "[") {
			break
		}
		key, value, _ := strings.Cut(line, "=")
		if key = strings.TrimSpace(key); isNPMRegistry(key) {
			n.addNPM(key, scalar(strings.ReplaceAll(value, " ;", " #")))
		}
	}
	return n, nil
}

// readYarnrc reads yarn 1's .yarnrc (https://classic.yarnpkg.com/lang/en/docs/yarnrc/): a key and a value, each of
// which may be quoted.
func readYarnrc(text string) (n named, err error) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 2 {
			if key := strings.TrimSuffix(strings.Trim(words[0], `"`), ":"); isNPMRegistry(key) {
				n.addNPM(key, strings.Trim(words[1], `"`))
			}
		}
	}
	return n, nil
}

// readYarnrcYAML reads the .yarnrc.yml of yarn 2 and later (https://yarnpkg.com/configuration/yarnrc). Of YAML it knows
// a key and a scalar in a line, as conda's reader does: the settings are named alike wherever they may stand.
func readYarnrcYAML(text string) (n named, err error) {
	top := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		word := strings.TrimSpace(line)
		if word == "" || word[0] == '#' {
			continue
		}
		key, value, _ := strings.Cut(word, ": ")
		key = strings.Trim(strings.TrimSuffix(key, ":"), `"'`)
		if line[0] == word[0] {
			top = key
		}
		switch {
		case key == "npmRegistryServer" || key == "npmPublishRegistry":
			n.addNPM("registry", scalar(value))
		case top == "npmRegistries" && strings.HasPrefix(key, "//"):
			n.addNPM("registry", "https:"+key)
		case top == "npmRegistries" && strings.Contains(key, "://"):
			n.addNPM("registry", key)
		}
	}
	return n, nil
}

// readPackageJSON reads where a package is published to
// (https://docs.npmjs.com/cli/configuring-npm/package-json#publishconfig).
func readPackageJSON(text string) (n named, err error) {
	var p struct{ PublishConfig map[string]any }
	if json.Unmarshal([]byte(text), &p) != nil {
		return named{}, nil // the clients say so themselves, and it hides nothing else
	}
	for _, key := range slices.Sorted(maps.Keys(p.PublishConfig)) {
		if url, ok := p.PublishConfig[key].(string); ok && isNPMRegistry(key) {
			n.others = append(n.others, url)
			n.names = append(n.names, regpass.Named{Client: "npm", Name: key, URL: url})
		}
	}
	return n, nil
}

// readBunfig reads bunfig.toml (https://bun.sh/docs/runtime/bunfig#install-registry). A registry is a URL or a table.
func readBunfig(text string) (n named, err error) {
	var b struct {
		Install struct {
			Registry any
			Scopes   map[string]any
		}
	}
	if err := toml.Unmarshal([]byte(text), &b); err != nil {
		return named{}, err
	}
	n.addNPM("registry", bunURL(b.Install.Registry))
	for _, scope := range slices.Sorted(maps.Keys(b.Install.Scopes)) {
		n.addNPM("@"+strings.TrimPrefix(scope, "@")+":registry", bunURL(b.Install.Scopes[scope]))
	}
	return n, nil
}

func bunURL(value any) string {
	if table, ok := value.(map[string]any); ok {
		value = table["url"]
	}
	url, _ := value.(string)
	return url
}
