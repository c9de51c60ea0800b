package project

import "strings"

// readGoEnv reads a go.env, the file that GOENV names (https://pkg.go.dev/cmd/go#hdr-Environment_variables).
func readGoEnv(text string) (n named, err error) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "GOPROXY="); ok {
			n.others = append(n.others, goProxies(value)...)
		}
	}
	return n, nil
}

// goProxies are the URLs in GOPROXY, which stand between commas and bars, beside words such as direct
// (https://go.dev/ref/mod#environment-variables).
func goProxies(value string) (urls []string) {
	for word := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' || r == '|' }) {
		if strings.Contains(word, "://") {
			urls = append(urls, strings.TrimSpace(word))
		}
	}
	return urls
}
