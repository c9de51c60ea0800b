package inject

import (
	"errors"
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// maxScript is the longest shell text that is read, in bytes. The parser needs stack for each level of nesting.
const maxScript = 32 << 10

// script looks at every command in a shell script, also in lists, loops, functions and substitutions.
func (u *stepUsage) script(text string, depth int) {
	if depth > maxNesting {
		return
	}
	if len(text) > maxScript {
		u.unread = fmt.Errorf("it has more than %d bytes", maxScript)
		return
	}
	// Bash's grammar includes that of sh, except for forms that nobody writes in a Dockerfile.
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		var parse syntax.ParseError
		u.unread = errors.New("it is not a shell script")
		if errors.As(err, &parse) {
			u.unread = fmt.Errorf("line %d: %s", parse.Pos.Line(), parse.Text)
		}
		return
	}
	syntax.Walk(file, func(n syntax.Node) bool {
		stmt, ok := n.(*syntax.Stmt)
		if !ok {
			return true
		}
		if call, ok := stmt.Cmd.(*syntax.CallExpr); ok {
			words := make([]string, len(call.Args))
			for i, w := range call.Args {
				words[i] = literal(w.Parts)
			}
			u.command(words, hereDocument(stmt), depth)
		}
		return true
	})
}

// hereDocument is the text of a command's here-document, or "".
func hereDocument(stmt *syntax.Stmt) string {
	for _, r := range stmt.Redirs {
		if r.Hdoc != nil {
			return literal(r.Hdoc.Parts)
		}
	}
	return ""
}

// literal is the text of a word without its quotes, with unknown for each part that only the shell knows.
func literal(parts []syntax.WordPart) string {
	var b strings.Builder
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(unescape(p.Value))
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			b.WriteString(literal(p.Parts))
		default:
			b.WriteString(unknown)
		}
	}
	return b.String()
}

// unescape removes backslashes. The shell keeps most of those inside double quotes, but none there is part of a
// command's name.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
			if text[i] == '\n' {
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
