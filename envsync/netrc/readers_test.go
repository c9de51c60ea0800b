package netrc

import (
	"errors"
	"strings"
)

// account is what a reader of netrc files finds for a host.
type account struct{ login, password string }

// curlNetrc reads a netrc as curl 7.88 does (lib/netrc.c, parsenetrc): the first match, without case.
func curlNetrc(data, host string) (a account, found, broken bool) {
	const nothing, hostFound, hostValid, macdef = 0, 1, 2, 3
	state, login, password := nothing, false, false
	for line := range strings.Lines(data) {
		if !strings.HasSuffix(line, "\n") {
			line += "\n"
		}
		if len(line) > 4095 {
			continue
		}
		if state == macdef {
			if line[0] != '\n' && line[0] != '\r' {
				continue
			}
			state = nothing
		}
		for at := 0; ; {
			for at < len(line) && (line[at] == ' ' || line[at] == '\t') {
				at++
			}
			if at >= len(line) || line[at] == '#' {
				break
			}
			var tok string
			if line[at] != '"' {
				end := at
				for strings.IndexByte(" \t\r\n\v\f", line[end]) < 0 {
					end++
				}
				tok, at = line[at:end], end+1
			} else {
				var b strings.Builder
				escape, closed := false, false
				for at++; at < len(line) && !closed; at++ {
					c := line[at]
					switch {
					case escape:
						escape = false
						if i := strings.IndexByte("nrt", c); i >= 0 {
							c = "\n\r\t"[i]
						}
						b.WriteByte(c)
					case c == '\\':
						escape = true
					case c == '"':
						closed = true
					default:
						b.WriteByte(c)
					}
				}
				if !closed {
					return a, found, true
				}
				tok, at = b.String(), at+1
			}
			if a.login != "" && a.password != "" {
				return a, found, false
			}
			switch state {
			case nothing:
				switch strings.ToLower(tok) {
				case "macdef":
					state = macdef
				case "machine":
					state = hostFound
				case "default":
					state, found = hostValid, true
				}
			case macdef:
				if tok == "" {
					state = nothing
				}
			case hostFound:
				state = nothing
				if strings.EqualFold(tok, host) {
					state, found = hostValid, true
				}
			case hostValid:
				switch {
				case login:
					a.login, login = tok, false
				case password:
					a.password, password = tok, false
				case strings.EqualFold(tok, "login"):
					login = true
				case strings.EqualFold(tok, "password"):
					password = true
				case strings.EqualFold(tok, "machine"):
					state = hostFound
				}
			}
		}
	}
	return a, found, false
}

// pythonNetrc reads a netrc as Python 3.11 does (Lib/netrc.py): the last match. The key "default" is the default.
func pythonNetrc(data string) (map[string]account, error) {
	l := &pyLexer{data: []rune(strings.ReplaceAll(data, "\r\n", "\n"))}
	hosts := map[string]account{}
	for {
		line := l.lines
		tt := l.token()
		var name string
		switch {
		case tt == "":
			return hosts, nil
		case tt[0] == '#':
			if l.lines == line && len(tt) == 1 {
				l.readline()
			}
			continue
		case tt == "machine":
			name = l.token()
		case tt == "default":
			name = "default"
		case tt == "macdef":
			l.token()
			for {
				body := l.readline()
				if body == "" {
					return nil, errors.New("macro without end")
				}
				if body == "\n" {
					break
				}
			}
			continue
		default:
			return nil, errors.New("bad toplevel token")
		}
		if name == "" {
			return nil, errors.New("missing name")
		}
		var a account
	fields:
		for {
			line := l.lines
			tt := l.token()
			if strings.HasPrefix(tt, "#") {
				if l.lines == line {
					l.readline()
				}
				continue
			}
			switch tt {
			case "", "machine", "default", "macdef":
				hosts[name] = a
				l.pushed = append(l.pushed, tt)
				break fields
			case "login", "user":
				a.login = l.token()
			case "account":
				l.token()
			case "password":
				a.password = l.token()
			default:
				return nil, errors.New("bad follower token")
			}
		}
	}
}

type pyLexer struct {
	data       []rune
	pos, lines int
	pushed     []string
}

func (l *pyLexer) char() (rune, bool) {
	if l.pos == len(l.data) {
		return 0, false
	}
	c := l.data[l.pos]
	l.pos++
	if c == '\n' {
		l.lines++
	}
	return c, true
}

func (l *pyLexer) readline() string {
	start := l.pos
	for l.pos < len(l.data) {
		l.pos++
		if l.data[l.pos-1] == '\n' {
			break
		}
	}
	return string(l.data[start:l.pos])
}

func (l *pyLexer) token() string {
	if len(l.pushed) > 0 {
		t := l.pushed[0]
		l.pushed = l.pushed[1:]
		return t
	}
	var token []rune
	add := func(c rune) {
		ok := true
		if c == '\\' {
			c, ok = l.char()
		}
		if ok {
			token = append(token, c)
		}
	}
	for {
		c, ok := l.char()
		if !ok {
			return ""
		}
		if strings.ContainsRune("\n\t\r ", c) {
			continue
		}
		if c == '"' {
			for {
				c, ok := l.char()
				if !ok { // an open quote: what follows is read as if nothing were there
					break
				}
				if c == '"' {
					return string(token)
				}
				add(c)
			}
			return string(token)
		}
		add(c)
		for {
			c, ok := l.char()
			if !ok || strings.ContainsRune("\n\t\r ", c) {
				return string(token)
			}
			add(c)
		}
	}
}
