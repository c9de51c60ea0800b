package action

import (
	"crypto/rand"
	"errors"
	"strings"
)

// maxDraws is how often a delimiter is drawn. Of random ones the first will do.
const maxDraws = 3

// randomDelimiter draws a line that nobody can have put into a value.
func randomDelimiter() string { return "regpass_" + rand.Text() }

// block is the form in which the runner's files take a value of any number of lines. What ends the value is drawn anew
// for each, and does not stand in it: with one that is known, a value could go on to set further names
// (CVE-2022-35954).
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#multiline-strings
func block(name, value string, draw func() string) (string, error) {
	if strings.Contains(value, "\x00") {
		return "", errors.New("the value holds a NUL byte")
	}
	for range maxDraws {
		end := draw()
		if !strings.Contains(value, end) {
			return name + "<<" + end + "\n" + value + "\n" + end, nil
		}
	}
	return "", errors.New("the value holds the delimiter that was drawn for it")
}

// fileVariable names the variable that names the file of that name.
func fileVariable(name string) string {
	return "GITHUB_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}
