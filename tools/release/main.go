// Command release makes all files of a release, the same bytes wherever and whenever it runs. From the root of a
// checkout:
//
//	go -C tools/release run . v1.2.3
//
// It leaves them in dist/: for each system and architecture the program itself, an archive with manual pages and
// completions, and an SBOM; for Linux packages for Debian and Alpine; a Homebrew formula, checksums.txt, and checksums.json
// as the GitHub Action reads it. What makes the bytes are the sources, the version of Go and the time of the last commit,
// or SOURCE_DATE_EPOCH. See docs/release.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	from := flags.String("from", "../..", "the sources' `FOLDER`")
	to := flags.String("to", "", "`FOLDER` to make; by default dist in that of the sources")
	only := flags.String("only", "", "the one `PLATFORM` to build for, such as linux/amd64; by default all")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("give the version, such as v1.2.3")
	}
	if *to == "" {
		*to = filepath.Join(*from, "dist")
	}
	r, err := newRelease(ctx, flags.Arg(0), *from, *to, *only)
	if err != nil {
		return err
	}
	return r.make(ctx)
}
