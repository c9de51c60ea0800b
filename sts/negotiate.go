package sts

import (
	"mime"
	"strconv"
	"strings"
)

// variant is a format of a Simple API response.
type variant struct {
	mime string
	json bool
}

// variants are the formats on offer, best first (PEP 691).
var variants = []variant{
	{"application/vnd.pypi.simple.v1+json", true},
	{"application/vnd.pypi.simple.v1+html", false},
	{"text/html; charset=utf-8", false},
}

// ranges maps the media ranges of an Accept header to indexes of variants. Wildcards get HTML, which every client
// understands.
var ranges = map[string]int{
	"application/vnd.pypi.simple.v1+json":     0,
	"application/vnd.pypi.simple.latest+json": 0,
	"application/vnd.pypi.simple.v1+html":     1,
	"application/vnd.pypi.simple.latest+html": 1,
	"text/html": 2,
	"text/*":    2,
	"*/*":       2,
}

// maxAccept is the longest Accept header, in bytes.
const maxAccept = 4096

// negotiate picks the variant with the highest q; between equals, the first of variants.
func negotiate(accept []string) (variant, error) {
	all := strings.Join(accept, ",")
	if strings.TrimSpace(all) == "" {
		return variants[2], nil
	}
	if len(all) > maxAccept {
		return variant{}, badRequest.with("the Accept header is longer than %d bytes", maxAccept)
	}
	best, liked := -1, 0.0
	for _, part := range strings.Split(all, ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		i, ok := ranges[kind]
		if !ok {
			continue
		}
		q := 1.0
		if text, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil || !(q >= 0 && q <= 1) {
				continue
			}
		}
		if q > liked || q == liked && q > 0 && i < best {
			best, liked = i, q
		}
	}
	if best < 0 {
		return variant{}, notAcceptable.with("the formats are %s, %s and text/html", variants[0].mime, variants[1].mime)
	}
	return variants[best], nil
}
