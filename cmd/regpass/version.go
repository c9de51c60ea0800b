package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// releaseVersion is set by the linker for what a release holds: -X main.releaseVersion=v1.2.3. So a binary is the same
// whether it was built from a checkout or from an archive of the sources.
var releaseVersion string

// release is the version that this binary is of: as it was told, or else as the module proxy or the checkout that it was
// built from says.
func release() string {
	if releaseVersion != "" {
		return releaseVersion
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func version() string {
	return fmt.Sprintf("regpass %s %s %s/%s", release(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  regpass version",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.env.Stdout, version())
			return err
		},
	}
}
