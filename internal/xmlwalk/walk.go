// Package xmlwalk answers "how is XML read that a stranger may have written?".
package xmlwalk

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// maxDepth is of elements in one another; a pom.xml with profiles has nine, an answer of AWS's four.
const maxDepth = 64

// Visit is told of an element: its name behind those that hold it, its attributes by name and the text behind its last
// inner element, without the space around it.
type Visit func(path []string, attr func(name string) string, text string)

// Walk calls visit at the end of each element. Names go without their space. Declarations of entities are not followed.
func Walk(text string, visit Visit) error {
	var path []string
	var open []xml.StartElement
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
			if len(path) == maxDepth {
				return errors.New("its elements nest too deep")
			}
			path, open = append(path, t.Name.Local), append(open, t)
			content.Reset()
		case xml.CharData:
			content.Write(t)
		case xml.EndElement:
			last := len(path) - 1
			visit(path, attributes(open[last]), strings.TrimSpace(content.String()))
			path, open = path[:last], open[:last]
			content.Reset()
		}
	}
}

func attributes(e xml.StartElement) func(name string) string {
	return func(name string) string {
		for _, a := range e.Attr {
			if a.Name.Local == name {
				return a.Value
			}
		}
		return ""
	}
}
