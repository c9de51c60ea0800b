package regpass

import (
	"regexp"
	"sync"
)

// Pattern makes a regular expression that is compiled at its first use. One run of a few milliseconds needs few of the
// program's many expressions, and would spend a good part of its time on compiling the others. The first use of an
// expression that does not compile panics, as regexp.MustCompile does.
func Pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
