package action

import (
	"crypto/rand"
	"errors"
	"strings"
)

// maxDraws is the number of delimiters that are tried. The first random one is good enough.
const maxDraws = 3

// randomDelimiter draws a line that cannot have been put into a value on purpose.
func randomDelimiter() string { return "regpass_" + rand.Text() }

// block writes a value of any number of lines as the runner's files take it. The delimiter after the value is drawn
// anew for each and is not part of the value: after a delimiter that is known, a value could set further names
// (CVE-2022-35954).
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#multiline-strings
func block(name, value string, draw func() string) (string, error) {
	if strings.Contains(value, "\x00") {
		return "", errors.New("the value holds a NUL byte")
	}
	for range maxDraws {
		delimiter := draw()
		if !strings.Contains(value, delimiter) {
			return name + "<<" + delimiter + "\n" + value + "\n" + delimiter, nil
		}
	}
	return "", errors.New("the value holds the delimiter that was drawn for it")
}

// fileVariable is the name of the variable that holds the path of one of the runner's files: GITHUB_OUTPUT for
// "output".
func fileVariable(name string) string {
	return "GITHUB_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}
