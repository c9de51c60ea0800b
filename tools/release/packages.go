package main

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/apk"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
)

// packagers are the kinds of packages for Linux, with what each distribution has its own place or name for.
var packagers = []struct {
	suffix  string
	write   nfpm.Packager
	licence string
	zsh     string // folder of completions
	about   string
	needs   nfpm.Overridables
}{
	{".deb", deb.Default, "/usr/share/doc/regpass/copyright", "/usr/share/zsh/vendor-completions/", summary + "\n" + description,
		nfpm.Overridables{Recommends: []string{"ca-certificates"}}},
	{".apk", apk.Default, "/usr/share/licenses/regpass/LICENSE", "/usr/share/zsh/site-functions/", summary, // which is one line there
		nfpm.Overridables{Depends: []string{"ca-certificates-bundle"}}},
}

const summary = "Short-lived registry credentials for builds"

const description = `regpass proves who a CI job is (OIDC) or takes an API key, trades that for a
short-lived registry credential, and puts it where package clients look for it,
inside and outside container builds.`

// writePackages makes the packages of a program for Linux.
func (r *release) writePackages(b binary) error {
	if b.os != "linux" {
		return nil
	}
	all, err := r.files(b)
	if err != nil {
		return err
	}
	for _, p := range packagers {
		info := nfpm.WithDefaults(&nfpm.Info{
			Overridables: p.needs, Name: "regpass", Platform: b.os, Arch: b.arch, Version: r.version, Section: "utils", Priority: "optional",
			Maintainer: "regpass <regpass@users.noreply.github.com>", Description: p.about, Homepage: home, License: "Apache-2.0",
			DisableGlobbing: true, MTime: r.when,
		})
		info.Contents, err = r.contents(all, map[string]string{
			"regpass": "/usr/bin/", "LICENSE": p.licence, "completions/regpass.bash": "/usr/share/bash-completion/completions/regpass",
			"completions/_regpass": p.zsh, "completions/regpass.fish": "/usr/share/fish/vendor_completions.d/", "man/": "/usr/share/man/man1/",
		})
		if err != nil {
			return err
		}
		var content bytes.Buffer
		if err := p.write.Package(info, &content); err != nil {
			return err
		}
		if err := r.write(r.name(b.platform, p.suffix), content.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// contents puts files where a distribution wants them: places are by the name of a file or of its folder, and end in a
// slash where the name stays. What has no place stays out. Manual pages are compressed, as both distributions have them.
func (r *release) contents(all []file, places map[string]string) (files.Contents, error) {
	var contents files.Contents
	for _, f := range all {
		dir, name := path.Split(f.name)
		place, ok := places[f.name]
		if !ok {
			place, ok = places[dir]
		}
		if !ok {
			continue
		}
		if dir == "man/" {
			var err error
			if f.content, err = gzipped(f.content); err != nil {
				return nil, err
			}
			name += ".gz"
		}
		if strings.HasSuffix(place, "/") {
			place += name
		}
		source := filepath.Join(r.pages, "package", place)
		if err := os.MkdirAll(filepath.Dir(source), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(source, f.content, 0o600); err != nil {
			return nil, err
		}
		contents = append(contents, &files.Content{Source: source, Destination: place,
			FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: f.mode(), MTime: r.when}})
	}
	return contents, nil
}
