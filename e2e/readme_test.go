package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/regpass/regpass/sts"
)

// fenced lists the README's fenced blocks in a language.
func fenced(language string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(checkout, "README.md"))
	if err != nil {
		return nil, err
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks, nil
}

// number matches a number, which differs between two runs, and the spaces up to the next column.
var number = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)* *`)

// transcript compares what a command printed with what the README shows, numbers aside: ports, versions and counts.
func transcript(command, printed string) error {
	blocks, err := fenced("console")
	if err != nil {
		return err
	}
	for _, b := range blocks {
		line, shown, _ := strings.Cut(b, "\n")
		if line != "$ "+command {
			continue
		}
		if same := number.ReplaceAllString(shown, "N"); same != number.ReplaceAllString(printed, "N") {
			return fmt.Errorf("the README shows of %s\n%s\nbut it prints\n%s", command, shown, printed)
		}
		return nil
	}
	return fmt.Errorf("the README shows no transcript of %s", command)
}

// step matches a line of a CI's file that runs regpass.
var step = regexp.MustCompile(`(?m)^\s+(?:- )?(?:run: |- )(regpass .*)$|sh '([^']+)'`)

// readmeRecipe returns the commands of the README's recipe that holds the mark, one a line.
func readmeRecipe(mark string) (string, error) {
	for _, language := range []string{"yaml", "groovy"} {
		blocks, err := fenced(language)
		if err != nil {
			return "", err
		}
		for _, b := range blocks {
			if !strings.Contains(b, mark) {
				continue
			}
			lines := ""
			for _, m := range step.FindAllStringSubmatch(b, -1) {
				lines += m[1] + m[2] + "\n"
			}
			if lines == "" {
				return "", fmt.Errorf("the recipe with %s runs nothing", mark)
			}
			return lines, nil
		}
	}
	return "", fmt.Errorf("the README has no recipe with %s", mark)
}

// TestREADMEConfiguration holds that the service takes the README's configuration once a key's checksum is in it.
func TestREADMEConfiguration(t *testing.T) {
	blocks, err := fenced("toml")
	if err != nil || len(blocks) != 1 {
		t.Fatalf("%d blocks of TOML, %v", len(blocks), err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "serve.toml")
	load := func(text string) (sts.Config, error) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return sts.LoadConfig(path)
	}
	if _, err := load(blocks[0]); err == nil || !strings.Contains(err.Error(), "a placeholder, not the SHA-256 of a key") {
		t.Errorf("the placeholder was taken for a key's checksum: %v", err)
	}
	_, sum := sts.NewKey()
	cfg, err := load(strings.Replace(blocks[0], strings.Repeat("0", 64), sum, 1))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.APIKeys) != 1 || len(cfg.Trust) != 1 || len(cfg.Indexes) != 1 {
		t.Errorf("%+v", cfg)
	}
}
