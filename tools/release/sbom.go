package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// The parts of SPDX 2.3 (spdx.github.io/spdx-spec/v2.3) that say which modules were linked into a program.
type (
	spdxDocument struct {
		Version       string             `json:"spdxVersion"`
		License       string             `json:"dataLicense"`
		ID            string             `json:"SPDXID"`
		Name          string             `json:"name"`
		Namespace     string             `json:"documentNamespace"`
		Creation      spdxCreation       `json:"creationInfo"`
		Packages      []spdxPackage      `json:"packages"`
		Relationships []spdxRelationship `json:"relationships"`
	}
	spdxCreation struct {
		Created  string   `json:"created"`
		Creators []string `json:"creators"`
	}
	spdxPackage struct {
		ID        string          `json:"SPDXID"`
		Name      string          `json:"name"`
		Version   string          `json:"versionInfo"`
		File      string          `json:"packageFileName,omitempty"`
		Download  string          `json:"downloadLocation"`
		Analyzed  bool            `json:"filesAnalyzed"`
		Purpose   string          `json:"primaryPackagePurpose"`
		Concluded string          `json:"licenseConcluded"`
		Declared  string          `json:"licenseDeclared"`
		Copyright string          `json:"copyrightText"`
		Comment   string          `json:"comment,omitempty"`
		Checksums []spdxChecksum  `json:"checksums,omitempty"`
		Refs      []spdxReference `json:"externalRefs"`
	}
	spdxChecksum struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"checksumValue"`
	}
	spdxReference struct {
		Category string `json:"referenceCategory"`
		Type     string `json:"referenceType"`
		Locator  string `json:"referenceLocator"`
	}
	spdxRelationship struct {
		From string `json:"spdxElementId"`
		Type string `json:"relationshipType"`
		To   string `json:"relatedSpdxElement"`
	}
)

const (
	spdxThis    = "SPDXRef-DOCUMENT"
	spdxProgram = "SPDXRef-regpass"
	spdxUnknown = "NOASSERTION"
)

// writeSBOM lists what the program itself says that it was linked from, and its checksum.
func (r *release) writeSBOM(b binary) error {
	info, err := buildinfo.ReadFile(b.path)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(b.path)
	if err != nil {
		return err
	}
	sum, file := hex.EncodeToString(sum256(content)), filepath.Base(b.path)
	program := spdxModule(spdxProgram, info.Main.Path, r.version, "APPLICATION")
	program.File, program.Declared, program.Download = file, "Apache-2.0", home+"/releases/download/"+r.version+"/"+file
	program.Checksums = []spdxChecksum{{"SHA256", sum}}
	d := spdxDocument{
		Version: "SPDX-2.3", License: "CC0-1.0", ID: spdxThis, Name: file, Namespace: home + "/spdx/" + file + "-" + sum,
		Creation: spdxCreation{r.when.Format(time.RFC3339), []string{"Organization: regpass", "Tool: regpass-release-" + r.number()}},
		Packages: []spdxPackage{program}, Relationships: []spdxRelationship{{spdxThis, "DESCRIBES", spdxProgram}},
	}
	linked := append([]*debug.Module{{Path: "std", Version: info.GoVersion}}, info.Deps...)
	for i, m := range linked {
		if m.Replace != nil {
			m = m.Replace
		}
		p := spdxModule(fmt.Sprintf("SPDXRef-module-%d", i), m.Path, m.Version, "LIBRARY")
		if m.Sum != "" {
			p.Comment = "go.sum: " + m.Sum
		}
		d.Packages = append(d.Packages, p)
		d.Relationships = append(d.Relationships, spdxRelationship{spdxProgram, "DEPENDS_ON", p.ID})
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	return r.write(r.name(b.platform, ".spdx.json"), append(text, '\n'))
}

// spdxModule is a Go module, with its package URL (github.com/package-url/purl-spec).
func spdxModule(id, path, version, purpose string) spdxPackage {
	url := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	if path == "std" {
		url = "pkg:golang/std@" + strings.TrimPrefix(version, "go")
	}
	return spdxPackage{ID: id, Name: path, Version: version, Download: spdxUnknown, Purpose: purpose, Concluded: spdxUnknown,
		Declared: spdxUnknown, Copyright: spdxUnknown, Refs: []spdxReference{{"PACKAGE-MANAGER", "purl", url}}}
}

func sum256(content []byte) []byte {
	sum := sha256.Sum256(content)
	return sum[:]
}
