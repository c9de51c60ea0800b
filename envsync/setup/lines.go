package setup

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// block is how lines of ours stand in a file whose comments begin with #: between two comments.
type block struct {
	key func(envsync.Entry) (string, error) // nil: the lines are for all hosts
	// lines are those for the keys. file is the file without them.
	lines func(file []byte, keys []string) ([]string, error)
	// place is where they begin: an offset behind a line's end, or the end of the file; nil: the end.
	place func(file []byte) int
	check func(file []byte) error // refuses a file that is malformed; nil: any
}

// all is the key of lines that are for all hosts.
const all = "all"

const blockEnd = "# end of regpass's lines"

func blockBegin(name string) string {
	return "# regpass's lines, which `regpass helper uninstall " + name + "` removes"
}

func (b block) format(name string) envsync.Format {
	return envsync.Format{Name: "setup-" + name, Public: true,
		Set: func(old []byte, entries []envsync.Entry) ([]byte, error) {
			keys, err := b.keys(entries)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return b.set(name, old, keys)
		},
		Restore: func(now, before []byte, keys []string) ([]byte, error) { return b.restore(name, now, before, keys) },
		Keys: func(entries []envsync.Entry) []string {
			keys, _ := b.keys(entries)
			return keys
		},
	}
}

// keys are the keys of entries, each once, in order.
func (b block) keys(entries []envsync.Entry) ([]string, error) {
	var keys []string
	for _, e := range entries {
		if b.key == nil {
			break
		}
		key, err := b.key(e)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return []string{all}, nil
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// set puts the block anew.
func (b block) set(name string, old []byte, keys []string) ([]byte, error) {
	if !utf8.Valid(old) || bytes.IndexByte(old, 0) >= 0 {
		return nil, errors.New("it is not a text in UTF-8")
	}
	at, end, found := find(name, old)
	file := old
	if found {
		file = slices.Concat(old[:at], old[end:])
	}
	if b.check != nil {
		if err := b.check(file); err != nil {
			return nil, err
		}
	}
	lines, err := b.lines(file, keys)
	if err != nil {
		return nil, err
	}
	if !found {
		if at = len(file); b.place != nil {
			at = b.place(file)
		}
	}
	text := b.text(name, file, lines)
	if at > 0 && file[at-1] != '\n' {
		text = eol(file) + text
	}
	now := slices.Concat(file[:at], []byte(text), file[at:])
	if b.check != nil {
		if err := b.check(now); err != nil {
			return nil, fmt.Errorf("it has no place for our lines: %w", err)
		}
	}
	return now, nil
}

func (b block) text(name string, file []byte, lines []string) string {
	nl := eol(file)
	return strings.Join(slices.Concat([]string{blockBegin(name)}, lines, []string{blockEnd}), nl) + nl
}

// restore removes the block. Of what a person or the client itself changed in it, only lines that are still ours go.
func (b block) restore(name string, now, before []byte, keys []string) ([]byte, error) {
	if now == nil {
		return nil, nil
	}
	if slices.Contains(keys, all) && len(keys) > 1 { // it was for all at first
		keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == all })
	}
	if redone, err := b.set(name, before, keys); err == nil && bytes.Equal(redone, now) {
		return before, nil
	}
	at, end, found := find(name, now)
	if !found {
		return now, nil
	}
	file := slices.Concat(now[:at], now[end:])
	ours, err := b.lines(file, keys)
	if err != nil {
		ours = nil
	}
	kept := slices.Collect(strings.Lines(string(now[at:end])))
	kept = othersOf(kept[1:len(kept)-1], ours)
	file = slices.Concat(now[:at], []byte(strings.Join(kept, "")), now[end:])
	if before == nil && len(bytes.TrimSpace(file)) == 0 {
		return nil, nil
	}
	return file, nil
}

// othersOf are the lines of a block that are not ours. The header of a section goes if nothing is left of it.
func othersOf(lines, ours []string) (kept []string) {
	isHeader := func(line string) bool { return strings.HasPrefix(line, "[") }
	for _, line := range slices.Backward(lines) {
		bare := strings.TrimRight(line, "\r\n")
		switch {
		case strings.Contains(line, "regpass"):
		case !slices.Contains(ours, bare):
			kept = append(kept, line)
		case isHeader(bare) && len(kept) > 0 && !isHeader(kept[len(kept)-1]):
			kept = append(kept, line)
		}
	}
	slices.Reverse(kept)
	return kept
}

// find looks for the block: the offsets of its first byte and of the first one behind it.
func find(name string, file []byte) (at, end int, found bool) {
	from, offset := -1, 0
	for line := range strings.Lines(string(file)) {
		switch strings.TrimRight(line, "\r\n") {
		case blockBegin(name):
			from = offset
		case blockEnd:
			if from >= 0 {
				return from, offset + len(line), true
			}
		}
		offset += len(line)
	}
	return 0, 0, false
}

// eol is the line end of a file.
func eol(file []byte) string {
	if bytes.Contains(file, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// origin is the key of an entry by its scheme, host and port.
func origin(e envsync.Entry) (string, error) {
	if _, err := e.Host(); err != nil || e.Ref.URL == nil || !strings.HasPrefix(e.Ref.URL.Scheme, "http") {
		return "", fmt.Errorf("%s is not the URL of a host", regpass.Quote(e.Ref.String()))
	}
	return e.Ref.URL.Scheme + "://" + e.Cred.Host, nil
}

// git asks the helpers of all sections that match, in their order, and tells each of them to keep what another has
// answered (https://git-scm.com/docs/gitcredentials). The empty value drops the ones before: a keychain shall not keep
// a credential that ends soon.
var git = block{
	key: origin,
	lines: func(_ []byte, keys []string) (lines []string, err error) {
		for _, key := range keys {
			if key == all {
				lines = append(lines, "[credential]", "\thelper = regpass")
			} else {
				lines = append(lines, `[credential "`+key+`"]`, "\thelper =", "\thelper = regpass")
			}
		}
		return lines, nil
	},
	check: func(file []byte) error {
		if strings.HasSuffix(strings.TrimRight(string(file), "\r\n"), `\`) {
			return errors.New("its last line goes on behind a backslash")
		}
		return nil
	},
}

// bazel asks the helper that the most specific host has (https://bazel.build/external/advanced, credential helpers). It
// knows hosts without ports.
var bazel = block{
	key: func(e envsync.Entry) (string, error) { return e.Host() },
	lines: func(_ []byte, keys []string) (lines []string, err error) {
		for _, key := range keys {
			if key == all {
				return nil, errors.New("it names hosts")
			}
			lines = append(lines, "common --credential_helper="+key+"=bazel-credential-regpass")
		}
		return lines, nil
	},
	check: git.check,
}

// goauth is before what GOAUTH says already: go runs the commands from the last to the first, and the first one's
// answer wins. Of several lines go takes the last.
var goauth = block{
	lines: func(file []byte, _ []string) ([]string, error) {
		was := "netrc" // go's own default
		for line := range strings.Lines(string(file)) {
			if value, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "GOAUTH="); ok {
				was = value
			}
		}
		if was == "" || was == "off" {
			return []string{"GOAUTH=goauth-regpass"}, nil
		}
		return []string{"GOAUTH=goauth-regpass; " + was}, nil
	},
}
