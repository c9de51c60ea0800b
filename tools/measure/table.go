package main

import (
	"fmt"
	"io"
	"strings"
)

// row is one line of the table for one tree.
type row struct{ name, value string }

func (f figures) rows() []row {
	rows := []row{
		{"packages", count(f.Packages)},
		{"files / lines", pair(f.Files, f.Lines)},
		{"median file", count(f.MedianFile)},
		{"longest file", f.LongestFile.String()},
		{"most files in a package", f.MostFiles.String()},
		{"most lines in a package", f.MostLines.String()},
		{"fullest folder, all .go files", f.FullestFolder.String()},
		{"longest function", f.LongestFunction.String()},
		{"functions > 60 lines", share(f.LongFunctions, f.Functions)},
		{"median function", count(f.MedianFunction)},
		{"nest > 3", share(f.DeepFunctions, f.Functions)},
		{"deepest", f.Deepest.String()},
		{"> 5 params / bool params", pair(f.ManyParams, f.BoolParams)},
		{"interfaces / init / nolint / panic", pair(f.Interfaces, f.Inits, f.Nolints, f.Panics)},
		{"func-typed fields / params", pair(f.FuncFields, f.FuncParams)},
		{"the same with named types", pair(f.FuncFields+f.NamedFuncFields, f.FuncParams+f.NamedFuncParams)},
		{"closures per 1,000 lines", perThousand(f.Closures, f.Lines)},
		{"biggest type: methods", f.MostMethods.String()},
		{"biggest type: files", count(f.MethodFiles)},
		{"lines > 120", count(f.WideLines)},
		{"lines > 120 per 1,000", perThousand(f.WideLines, f.Lines)},
		{"the same where a tab is 4", perThousand(f.WiderLines, f.Lines)},
		{"test/code", fmt.Sprintf("%.2f", ratio(f.TestLines, f.Lines))},
		{"scripts", count(f.Scripts)},
		{"comment density", share(f.CommentLines, f.Lines-f.BlankLines)},
		{"exported per package", fmt.Sprintf("%.1f", ratio(f.Exported, f.Libraries))},
		{"most exported", f.MostExported.String()},
		{"exported without comment", count(f.Uncommented)},
		{"direct modules / all", pair(f.DirectModules, f.AllModules)},
		{"top-level testdata", yes(f.Testdata)},
	}
	for _, m := range f.Mentions {
		rows = append(rows, row{"files that mention " + m.Name + ": production / tests / docs (own files)",
			fmt.Sprintf("%s (%d)", pair(len(m.Production), len(m.Tests), len(m.Docs)), len(m.Own))})
	}
	return rows
}

// markdown prints one row a figure and one column a tree, and with files the names of those that mention a name.
func markdown(out io.Writer, all []figures, files bool) error {
	var b strings.Builder
	b.WriteString("| |")
	for _, f := range all {
		b.WriteString(" " + f.Dir + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("--:|", len(all)) + "\n")
	for i, r := range all[0].rows() {
		b.WriteString("| " + r.name + " |")
		for _, f := range all {
			b.WriteString(" " + f.rows()[i].value + " |")
		}
		b.WriteString("\n")
	}
	if files {
		for _, f := range all {
			f.listMentions(&b)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func (f figures) listMentions(b *strings.Builder) {
	for _, m := range f.Mentions {
		fmt.Fprintf(b, "\n%s in %s:\n\n", m.Name, f.Dir)
		for _, k := range []struct {
			name  string
			files []string
		}{{"production", m.Production}, {"own", m.Own}, {"tests", m.Tests}, {"docs", m.Docs}} {
			if len(k.files) > 0 {
				fmt.Fprintf(b, "- %s: %s\n", k.name, strings.Join(k.files, ", "))
			}
		}
	}
}

func (n named) String() string {
	if n.Name == "" {
		return count(n.N)
	}
	return count(n.N) + " (" + n.Name + ")"
}

// count writes a number with commas between thousands.
func count(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func pair(all ...int) string {
	var parts []string
	for _, n := range all {
		parts = append(parts, count(n))
	}
	return strings.Join(parts, " / ")
}

func share(n, of int) string { return fmt.Sprintf("%.1f %%", 100*ratio(n, of)) }

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func perThousand(n, of int) string { return fmt.Sprintf("%.1f", 1000*ratio(n, of)) }

func ratio(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}
