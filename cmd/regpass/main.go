// Command regpass gives every build a pass: it proves who a CI job is, trades that for a short-lived package-registry
// credential and puts it where each client looks. See `regpass help`.
package main

import (
	"context"
	"os"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/internal/cli"
	"github.com/regpass/regpass/internal/process"
)

// releaseVersion is set by the linker in a release, -X main.releaseVersion=v1.2.3, so that the binary is the same
// whether it was built from a checkout or from an archive of the sources.
var releaseVersion string

func main() {
	os.Exit(process.Run(func(ctx context.Context, env *regpass.Env, args []string) int {
		return cli.Main(ctx, env, releaseVersion, args)
	}))
}
