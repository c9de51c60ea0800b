package fake

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Runner is a GitHub Actions runner's side of one step: the files in which the step gives it values, and its reading of
// the step's output (https://github.com/actions/runner/tree/main/src/Runner.Worker).
type Runner struct{ Dir string }

// runnerFiles are the files of a step, by the last part of the variable that names them.
var runnerFiles = []string{"output", "env", "state", "step_summary"}

// Step begins a step with empty files, which others can read, as with a real runner. It returns the variables that name
// them.
func (r Runner) Step() (environ []string, err error) {
	for _, name := range runnerFiles {
		path := filepath.Join(r.Dir, name)
		if err := os.MkdirAll(r.Dir, 0o755); err != nil {
			return nil, err
		}
		_ = os.Remove(path) // the previous step's
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			return nil, err
		}
		environ = append(environ, "GITHUB_"+strings.ToUpper(name)+"="+path)
	}
	return environ, nil
}

// Values reads the values in a file as FileCommandManager.cs does: NAME=VALUE, or NAME<<END, lines, END.
func (r Runner) Values(file string) (map[string]string, error) {
	raw, err := os.ReadFile(filepath.Join(r.Dir, file))
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if line == "" {
			continue
		}
		equals, heredoc := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case equals >= 0 && (heredoc < 0 || equals < heredoc):
			if equals == 0 {
				return nil, fmt.Errorf("line %d: Invalid format '%s'. Name must not be empty", i+1, line)
			}
			values[line[:equals]] = line[equals+1:]
		case heredoc >= 0:
			name, end := line[:heredoc], line[heredoc+2:]
			stop := slices.Index(lines[i+1:], end)
			switch {
			case name == "" || end == "":
				return nil, fmt.Errorf("line %d: Invalid format '%s'. "+
					"Name must not be empty and delimiter must not be empty", i+1, line)
			case stop < 0:
				return nil, fmt.Errorf("line %d: Invalid value. Matching delimiter not found '%s'", i+1, end)
			}
			values[name] = strings.Join(lines[i+1:i+1+stop], "\n")
			i += 1 + stop
		default:
			return nil, fmt.Errorf("line %d: Invalid format '%s'", i+1, line)
		}
	}
	return values, nil
}

// Command is a workflow command that a runner found in a step's output.
type Command struct{ Name, Properties, Data string }

// Log reads a step's output as a runner does. It returns the lines that are not commands, with the secrets that were
// masked until then replaced, and the commands as ActionCommand.cs parses them.
func Log(printed string) (shown string, commands []Command) {
	var masks []string
	hide := func(text string) string {
		for _, m := range masks {
			text = strings.ReplaceAll(text, m, "***")
		}
		return text
	}
	var out strings.Builder
	for _, line := range strings.FieldsFunc(printed, func(r rune) bool { return r == '\n' || r == '\r' }) {
		c, ok := parseCommand(line)
		if !ok {
			out.WriteString(hide(line) + "\n")
			continue
		}
		if c.Name == "add-mask" && strings.TrimSpace(c.Data) != "" {
			for _, m := range strings.FieldsFunc(c.Data, func(r rune) bool { return r == '\n' || r == '\r' }) {
				masks = append(masks, m, base64.StdEncoding.EncodeToString([]byte(m)))
			}
			slices.SortFunc(masks, func(a, b string) int { return len(b) - len(a) })
		}
		commands = append(commands, Command{c.Name, hide(c.Properties), c.Data})
	}
	for i, c := range commands {
		if c.Name != "add-mask" {
			commands[i].Data = hide(c.Data)
		}
	}
	return out.String(), commands
}

// unescape undoes the escaping of a command's data.
var unescape = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%")

func parseCommand(line string) (Command, bool) {
	var head, data string
	if text := strings.TrimLeft(line, " \t\v\f\u0085\u00a0\u2028\u2029"); strings.HasPrefix(text, "::") {
		var ok bool
		if head, data, ok = strings.Cut(text[2:], "::"); !ok {
			return Command{}, false
		}
	} else {
		_, rest, found := strings.Cut(line, "##[")
		var ok bool
		if head, data, ok = strings.Cut(rest, "]"); !found || !ok {
			return Command{}, false
		}
	}
	name, properties, _ := strings.Cut(strings.TrimSpace(head), " ")
	return Command{name, properties, unescape.Replace(data)}, name != ""
}
