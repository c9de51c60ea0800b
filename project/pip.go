package project

import "strings"

// readPip reads pip.conf (https://pip.pypa.io/en/stable/topics/configuration/), in which every section may name
// indexes. The value of a key may go on in lines that begin with white space.
func readPip(text string) (named, error) {
	var n named
	takes := false
	for line := range strings.Lines(text) {
		value := line
		if goesOn := strings.ContainsAny(line[:1], " \t"); !goesOn {
			var key string
			key, value, _ = strings.Cut(strings.Replace(line, ":", "=", colonFirst(line)), "=")
			key = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(key)), "_", "-")
			takes = key == "index-url" || key == "extra-index-url"
		}
		if takes && !isComment(value) {
			n.others = append(n.others, strings.Fields(value)...)
		}
	}
	return n, nil
}

// colonFirst is 1 if the key of a line ends in a colon, and otherwise 0.
func colonFirst(line string) int {
	if i := strings.IndexAny(line, ":="); i >= 0 && line[i] == ':' {
		return 1
	}
	return 0
}

func isComment(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";")
}

// readRequirements reads a requirements file (https://pip.pypa.io/en/stable/reference/requirements-file-format/).
func readRequirements(text string) (named, error) {
	var n named
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
		if !strings.HasPrefix(line, "-") {
			continue
		}
		words := strings.Fields(strings.Replace(line, "=", " ", 1))
		if len(words) > 1 && (words[0] == "-i" || words[0] == "--index-url" || words[0] == "--extra-index-url") {
			n.others = append(n.others, words[1])
		}
	}
	return n, nil
}
