// Command measure counts the shape of a tree of Go: files, functions, nesting, types, comments, modules. From the root
// of a checkout:
//
//	go -C tools/measure run .                        # this checkout
//	go -C tools/measure run . /src/before /src/after # one column each
//	go -C tools/measure run . -json -mentions circleci,prefix.dev
//
// It prints a Markdown table, or JSON. A folder that is not absolute is seen from tools/measure.
//
// Production code is every .go file, whatever system or build tag it is for, but _test.go files, generated code and
// these folders: vendor, testdata, node_modules, dist, the top-level tools, those whose name starts with a dot or an
// underscore, and other modules. Only syntax is looked at: a type that another package names is not seen to be a
// function or a bool. Each field of figures says how it is counted.
//
// How many files one touches to add a CI, a client or a registry is measured by an example: -mentions counts the files
// that say its name, and -v lists them.
//
// Counters that choose otherwise differ most in wide lines, where a tab may be one character or four, and in functions
// as fields and parameters, whose type may have to be written out or not; both ways are shown. Other figures differ by
// about one in a hundred.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// names is a flag that can be given more than once.
type names []string

func (n *names) String() string { return strings.Join(*n, ",") }

// Set adds the names between commas.
func (n *names) Set(text string) error {
	for name := range strings.SplitSeq(text, ",") {
		if plain(name) == "" {
			return fmt.Errorf("%q has no letter and no digit", name)
		}
		*n = append(*n, name)
	}
	return nil
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("measure", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "print JSON")
	var asked names
	flags.Var(&asked, "mentions", "count the files that mention `NAME`; give it again, or commas, for several")
	verbose := flags.Bool("v", false, "list the files that mention a name")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dirs := flags.Args()
	switch len(dirs) {
	case 0:
		dirs = []string{"../.."}
	case 1, 2:
	default:
		return fmt.Errorf("give one folder, or two to compare")
	}
	var all []figures
	for _, dir := range dirs {
		t, err := readTree(dir)
		if err != nil {
			return err
		}
		f := t.measure()
		for _, name := range asked {
			f.Mentions = append(f.Mentions, t.mentions(name))
		}
		all = append(all, f)
	}
	if *asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(all)
	}
	return markdown(out, all, *verbose)
}
