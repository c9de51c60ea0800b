package project

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/regpass/regpass"
)

// maxXMLDepth is of elements in one another; a pom.xml with profiles has nine.
const maxXMLDepth = 64

// eachXML calls visit for the end of each element, with the names of the elements that hold it and its own, and with
// its text. Attributes go to open, if that is not nil. Declarations of entities are not followed.
func eachXML(
	text string, open func(path []string, attr func(name string) string), visit func(path []string, text string),
) error {
	var path []string
	var content strings.Builder
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return errors.New("it is not XML")
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(path) == maxXMLDepth {
				return errors.New("its elements nest too deep")
			}
			path = append(path, t.Name.Local)
			content.Reset()
			if open != nil {
				open(path, func(name string) string {
					for _, a := range t.Attr {
						if a.Name.Local == name {
							return a.Value
						}
					}
					return ""
				})
			}
		case xml.CharData:
			content.Write(t)
		case xml.EndElement:
			if visit != nil {
				visit(path, strings.TrimSpace(content.String()))
			}
			path = path[:len(path)-1]
			content.Reset()
		}
	}
}

// readMaven reads the repositories of a pom.xml (https://maven.apache.org/pom.html#Repositories).
func readMaven(text string) (list named, err error) {
	var id, url string
	err = eachXML(text, nil, func(path []string, text string) {
		last := path[len(path)-1]
		if len(path) < 2 {
			return
		}
		switch in := path[len(path)-2]; {
		case last == "id" && isRepository(in):
			id = text
		case last == "url" && isRepository(in):
			url = text
		case isRepository(last):
			if id != "" && url != "" {
				list.others = append(list.others, url)
				list.names = append(list.names, regpass.Named{Client: "maven", Name: id, URL: url})
			}
			id, url = "", ""
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
	err = eachXML(text, func(path []string, attr func(string) string) {
		if len(path) == 3 && path[1] == "packageSources" && path[2] == "add" {
			if url := attr("value"); strings.Contains(url, "://") {
				list.others = append(list.others, url)
				list.names = append(list.names, regpass.Named{Client: "nuget", Name: attr("key"), URL: url})
			}
		}
	}, nil)
	return list, err
}
