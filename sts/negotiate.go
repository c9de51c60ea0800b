package sts

import (
	"mime"
	"strconv"
	"strings"
)

// variant is a way to write a Simple API answer.
type variant struct {
	mime string
	json bool
}

// variants are what can be asked for, the best first (PEP 691).
var variants = []variant{
	{"application/vnd.pypi.simple.v1+json", true},
	{"application/vnd.pypi.simple.v1+html", false},
	{"text/html; charset=utf-8", false},
}

// ranges are the media ranges that a client may send, and what it then gets of variants. Wild cards get HTML, which is what
// clients that know nothing better understand.
var ranges = map[string]int{
	"application/vnd.pypi.simple.v1+json":     0,
	"application/vnd.pypi.simple.latest+json": 0,
	"application/vnd.pypi.simple.v1+html":     1,
	"application/vnd.pypi.simple.latest+html": 1,
	"text/html": 2,
	"text/*":    2,
	"*/*":       2,
}

// maxAccept is how much of an Accept header is looked at, in bytes.
const maxAccept = 4096

// negotiate picks the variant that the client likes best; of two it likes the same, the first of variants.
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
