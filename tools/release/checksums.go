package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// pins are what the GitHub Action knows of a release: one program for each platform, by the names that are its and its
// checksum. They stand in the repository at action/checksums.json, in the very commit that is tagged; that works because
// no program depends on them.
type pins struct {
	Version string         `json:"version"`
	Assets  map[string]pin `json:"assets"` // by OS-ARCH, in Go's names
}

type pin struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

func (r *release) writePins() error {
	p := pins{r.version, map[string]pin{}}
	for _, b := range r.built {
		name := filepath.Base(b.path)
		sum, err := r.sum(name)
		if err != nil {
			return err
		}
		p.Assets[b.os+"-"+b.arch] = pin{name, sum}
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return r.write("checksums.json", append(text, '\n'))
}

// writeChecksums lists all other files, as sha256sum(1) checks them.
func (r *release) writeChecksums() error {
	found, err := os.ReadDir(r.to) // sorted by name
	if err != nil {
		return err
	}
	var list strings.Builder
	for _, f := range found {
		sum, err := r.sum(f.Name())
		if err != nil {
			return err
		}
		fmt.Fprintf(&list, "%s  %s\n", sum, f.Name())
	}
	return r.write("checksums.txt", []byte(list.String()))
}

// sum is the SHA-256 of a file of the release, in hexadecimal.
func (r *release) sum(name string) (string, error) {
	content, err := os.ReadFile(filepath.Join(r.to, name))
	return hex.EncodeToString(sum256(content)), err
}
