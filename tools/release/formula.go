package main

import (
	"strings"
	"text/template"
)

// formula is a Homebrew formula (docs.brew.sh/Formula-Cookbook) that installs the archive for a machine.
const formula = `class Regpass < Formula
  desc "{{.Summary}}"
  homepage "{{.Home}}"
  version "{{.Version}}"
  license "Apache-2.0"
{{range .Systems}}
  on_{{.Name}} do
{{- range .Archives}}
    on_{{.CPU}} do
      url "{{.URL}}"
      sha256 "{{.SHA256}}"
    end
{{- end}}
  end
{{end}}
  def install
    bin.install "regpass"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/regpass.bash" => "regpass"
    zsh_completion.install "completions/_regpass"
    fish_completion.install "completions/regpass.fish"
  end

  test do
    assert_match "regpass v#{version} ", shell_output("#{bin}/regpass version")
  end
end
`

type (
	brewSystem struct {
		Name     string
		Archives []brewArchive
	}
	brewArchive struct{ CPU, URL, SHA256 string }
)

// writeFormula writes the formula for what was built of Homebrew's systems.
func (r *release) writeFormula() error {
	var systems []brewSystem
	for _, s := range [][2]string{{"darwin", "macos"}, {"linux", "linux"}} {
		system := brewSystem{Name: s[1]}
		for _, b := range r.built {
			if b.os != s[0] {
				continue
			}
			sum, err := r.sum(b.archive)
			if err != nil {
				return err
			}
			cpu := map[string]string{"amd64": "intel", "arm64": "arm"}[b.arch]
			system.Archives = append(system.Archives, brewArchive{cpu, home + "/releases/download/" + r.version + "/" + b.archive, sum})
		}
		if system.Archives != nil {
			systems = append(systems, system)
		}
	}
	t, err := template.New("formula").Parse(formula)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := t.Execute(&text, map[string]any{"Home": home, "Summary": summary, "Version": r.number(), "Systems": systems}); err != nil {
		return err
	}
	return r.write("regpass.rb", []byte(text.String()))
}
