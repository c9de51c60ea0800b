package regpass

import (
	"regexp"
	"sync"
)

// Pattern makes a regular expression that is compiled when it is first asked for. Of the many that the program knows
// one run needs few, and a run of a few milliseconds would spend a good part on compiling the others. An expression
// that does not compile panics when it is asked for, as regexp.MustCompile does.
func Pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
