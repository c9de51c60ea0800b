package netrc

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/regpass/regpass"
)

// Path is the path of the netrc that clients read now, or "". $NETRC counts even if there is no such file, as for pip
// and pixi. A leading tilde is expanded, as pip and uv do.
func Path(env *regpass.Env) string {
	if path := env.Getenv("NETRC"); path != "" {
		if rest, home := strings.CutPrefix(path, "~/"); home && env.Home != "" {
			return filepath.Join(env.Home, rest)
		}
		return env.Abs(path)
	}
	if env.Home == "" {
		return ""
	}
	if runtime.GOOS == "windows" {
		if path := filepath.Join(env.Home, "_netrc"); fileExists(path) {
			return path
		}
	}
	return filepath.Join(env.Home, ".netrc")
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
