package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// pins are what the GitHub Action knows of a release: the SHA-256 of the program for each platform. They stand in
// action/checksums.json, in the very commit that is tagged; that works because no program depends on them.
type pins struct {
	Version string            `json:"version"`
	Assets  map[string]string `json:"assets"` // by OS-ARCH, in Go's names
}

func (r *release) writePins() error {
	p := pins{r.version, map[string]string{}}
	for _, b := range r.built {
		sum, err := r.sum(filepath.Base(b.path))
		if err != nil {
			return err
		}
		p.Assets[b.os+"-"+b.arch] = sum
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
