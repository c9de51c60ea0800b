package aws

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// maxDepth is of an answer's elements; STS's own have four.
const maxDepth = 16

// Fields reads one of STS's answers: the text of each element that holds no other, by its path below the root, as
// "GetWebIdentityTokenResult/WebIdentityToken". The first of a path counts. Declarations of entities are not followed.
func Fields(answer []byte) (map[string]string, error) {
	got := map[string]string{}
	var path []string
	var text strings.Builder
	leaf := false // nothing but text since the last start
	for d := xml.NewDecoder(bytes.NewReader(answer)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(path) == maxDepth {
				return nil, errors.New("elements in elements in elements")
			}
			path, leaf = append(path, t.Name.Local), true
			text.Reset()
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			at := strings.Join(path[1:], "/")
			if _, seen := got[at]; leaf && !seen {
				got[at] = text.String()
			}
			path, leaf = path[:len(path)-1], false
		}
	}
}
