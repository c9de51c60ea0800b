package envsync

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/regpass/regpass"
)

// maxExisting is the largest file, in bytes, that a private one stands in for.
const maxExisting = 1 << 20

// existing reads a file that a client uses now. It returns nil for none, and for the null device, which is how people
// switch such a file off. It does not wait on a pipe.
func existing(path string) ([]byte, error) {
	if path == "" || path == os.DevNull {
		return nil, nil
	}
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // the latter where the home is /dev/null
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a plain file", path)
	}
	content, err := regpass.ReadFile(path, maxExisting)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return content, nil
}

// netrcPath names the netrc that clients read now, or "". $NETRC counts even if there is no such file, as it does
// for pip and pixi. The tilde is expanded as pip and uv do.
func netrcPath(env *regpass.Env) string {
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

// rattlerHome names the file that rattler keeps logins in where there is no keyring, or ""
// (rattler_networking/src/authentication_storage/backends/file.rs).
func rattlerHome(env *regpass.Env) string {
	if env.Home == "" {
		return ""
	}
	return filepath.Join(env.Home, ".rattler", "credentials.json")
}

// uvStore names the file that `uv auth login` writes, or "" (crates/uv-auth/src/store.rs, TextCredentialStore).
func uvStore(env *regpass.Env) string {
	const name = "credentials.toml"
	if dir := env.Getenv("UV_CREDENTIALS_DIR"); dir != "" {
		return filepath.Join(env.Abs(dir), name)
	}
	data := env.Getenv("XDG_DATA_HOME")
	switch {
	case runtime.GOOS == "windows":
		if data = env.Getenv("APPDATA"); data == "" {
			return ""
		}
		return filepath.Join(data, "uv", "data", "credentials", name)
	case filepath.IsAbs(data):
	case env.Home == "":
		return ""
	default:
		data = filepath.Join(env.Home, ".local", "share")
	}
	return filepath.Join(data, "uv", "credentials", name)
}
