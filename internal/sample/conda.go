package sample

import (
	"archive/tar"
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// platforms are the folders of a channel, besides noarch, that clients ask for.
var platforms = []string{"linux-64", "linux-aarch64", "osx-64", "osx-arm64", "win-64"}

// index is a package's info/index.json. repodata.json repeats it with the file's checksums and size
// (https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html, CEP 34 and 36).
type index struct {
	Build       string   `json:"build"`
	BuildNumber int      `json:"build_number"`
	Depends     []string `json:"depends"`
	License     string   `json:"license"`
	Name        string   `json:"name"`
	Noarch      string   `json:"noarch"`
	Subdir      string   `json:"subdir"`
	Timestamp   int64    `json:"timestamp"` // milliseconds
	Version     string   `json:"version"`

	MD5    string `json:"md5,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Size   int    `json:"size,omitempty"` // bytes
}

// path is one line of info/paths.json.
type path struct {
	Path   string `json:"_path"`
	Type   string `json:"path_type"`
	SHA256 string `json:"sha256"`
	Size   int    `json:"size_in_bytes"`
}

// repodata is the repodata.json of a channel's folder: its packages for one platform.
type repodata struct {
	Info     map[string]string `json:"info"`
	Packages map[string]index  `json:"packages"`
	Conda    map[string]index  `json:"packages.conda"`
	Removed  []string          `json:"removed"`
	Version  int               `json:"repodata_version"`
}

// Channel makes dir a conda channel with one noarch package, noarch/NAME-VERSION-0.conda. The package installs
// share/NAME/hello.txt with the text "hello from NAME VERSION". The folders of other platforms exist but are empty.
func Channel(dir, name, version string) error {
	if err := check(name, version); err != nil {
		return err
	}
	about := index{Build: "0", Depends: []string{}, License: "Apache-2.0", Name: name, Noarch: "generic",
		Subdir: "noarch", Timestamp: made.UnixMilli(), Version: version}
	content, err := conda(about)
	if err != nil {
		return fmt.Errorf("sample: conda package: %w", err)
	}
	filename := stem(about) + ".conda"
	if err := write(filepath.Join(dir, "noarch", filename), content); err != nil {
		return err
	}
	sha, sum := sha256.Sum256(content), md5.Sum(content)
	about.SHA256, about.MD5, about.Size = hex.EncodeToString(sha[:]), hex.EncodeToString(sum[:]), len(content)
	if err := list(dir, "noarch", map[string]index{filename: about}); err != nil {
		return err
	}
	for _, p := range platforms {
		if err := list(dir, p, map[string]index{}); err != nil {
			return err
		}
	}
	return nil
}

func stem(about index) string { return about.Name + "-" + about.Version + "-" + about.Build }

// conda packs a package in the second format: an uncompressed zip archive of two compressed tar archives, one with the
// installed files and one with the metadata.
func conda(about index) ([]byte, error) {
	hello := file{"share/" + about.Name + "/hello.txt", fmt.Appendf(nil, "hello from %s %s\n", about.Name, about.Version)}
	sum := sha256.Sum256(hello.data)
	metadata := map[string]any{
		"info/about.json": map[string]string{"summary": "A sample package", "license": about.License},
		"info/index.json": about,
		"info/paths.json": map[string]any{"paths_version": 1, "paths": []path{
			{Path: hello.name, Type: "hardlink", SHA256: hex.EncodeToString(sum[:]), Size: len(hello.data)},
		}},
	}
	info := []file{{"info/files", []byte(hello.name + "\n")}}
	for _, name := range []string{"info/about.json", "info/index.json", "info/paths.json"} {
		j, err := json.Marshal(metadata[name])
		if err != nil {
			return nil, err
		}
		info = append(info, file{name, j})
	}
	infoTar, err := tarZst(info)
	if err != nil {
		return nil, err
	}
	pkgTar, err := tarZst([]file{hello})
	if err != nil {
		return nil, err
	}
	return zipped([]file{
		{"metadata.json", []byte(`{"conda_pkg_format_version": 2}`)},
		{"pkg-" + stem(about) + ".tar.zst", pkgTar},
		{"info-" + stem(about) + ".tar.zst", infoTar},
	})
}

func tarZst(files []file) ([]byte, error) {
	var out bytes.Buffer
	t := tar.NewWriter(&out)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.data)), Mode: 0o644, ModTime: made,
			Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := t.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := t.Close(); err != nil {
		return nil, err
	}
	// With more than one goroutine the block boundaries may depend on timing.
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return z.EncodeAll(out.Bytes(), nil), nil
}

func list(dir, subdir string, packages map[string]index) error {
	j, err := json.Marshal(repodata{Info: map[string]string{"subdir": subdir}, Packages: map[string]index{},
		Conda: packages, Removed: []string{}, Version: 1})
	if err != nil {
		return fmt.Errorf("sample: repodata: %w", err)
	}
	return write(filepath.Join(dir, subdir, "repodata.json"), j)
}

func write(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("sample: channel: %w", err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		return fmt.Errorf("sample: channel: %w", err)
	}
	return nil
}
