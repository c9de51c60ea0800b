package project

import (
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/xmlwalk"
)

// readMaven reads the repositories of a pom.xml (https://maven.apache.org/pom.html#Repositories).
func readMaven(text string) (list named, err error) {
	err = xmlwalk.Walk(text, func(path []string, _ func(string) string, text string) {
		if last := len(path) - 1; last > 0 && path[last] == "url" && isRepository(path[last-1]) && text != "" {
			list.others = append(list.others, text)
		}
	})
	return list, err
}

func isRepository(element string) bool {
	switch element {
	case "repository", "pluginRepository", "snapshotRepository":
		return true
	}
	return false
}

// readNuGet reads the package sources of a nuget.config
// (https://learn.microsoft.com/nuget/reference/nuget-config-file#packagesources).
func readNuGet(text string) (list named, err error) {
	err = xmlwalk.Walk(text, func(path []string, attr func(string) string, _ string) {
		if len(path) == 3 && path[1] == "packageSources" && path[2] == "add" {
			if url := attr("value"); strings.Contains(url, "://") {
				list.others = append(list.others, url)
				list.names = append(list.names, regpass.Named{Client: "nuget", Name: attr("key"), URL: url})
			}
		}
	})
	return list, err
}
