package npmrc

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// line is one of our lines.
type line struct {
	at     string // "//host[:port]/path/"
	option string // "_authToken" or "_auth"
	value  string
}

func (l line) key() string    { return l.at + ":" + l.option }
func (l line) String() string { return l.key() + "=" + l.value }

// options are the settings of a registry that hold a credential, or the program that is asked for it.
var options = []string{"_authToken", "_auth", "_password", "username", "tokenHelper"}

// plainPath matches the paths that every reader takes as they are.
var plainPath = regpass.Pattern(`^(/[A-Za-z0-9._~%@!&*()+,-]+)*/?$`)

// token68 matches a token that no reader takes for a quote, a comment, an escape or a variable
// (https://www.rfc-editor.org/rfc/rfc9110#section-11.2, and what tokens hold besides).
var token68 = regpass.Pattern(`^[A-Za-z0-9._~+/|:@!%^&*(),?<>{}=-]+$`)

// at is the place of an entry, as npm writes it for a registry's URL (https://www.npmjs.com/package/nerf-dart).
func at(e envsync.Entry) (string, error) {
	if _, err := e.Host(); err != nil {
		return "", err
	}
	path := ""
	if e.Ref.URL != nil && e.Ref.Host == e.Cred.Host {
		path = strings.TrimRight(e.Ref.URL.EscapedPath(), "/")
	}
	if !plainPath().MatchString(path) {
		return "", fmt.Errorf("%s: an .npmrc cannot hold its path", e.Ref)
	}
	return "//" + e.Cred.Host + path + "/", nil
}

// lines are the lines for the entries, each place once.
func lines(entries []envsync.Entry) ([]line, error) {
	places, entries, err := envsync.Distinct("npm", entries, at)
	if err != nil {
		return nil, err
	}
	var all []line
	for i, e := range entries {
		l := line{at: places[i]}
		if l.option, l.value, err = valueOf(e.Cred); err != nil {
			return nil, regpass.Hintf(fmt.Errorf("npm: %s: %w", e.Ref, err), "other sinks: netrc, uv, env")
		}
		all = append(all, l)
	}
	return all, nil
}

// valueOf is a credential as its option and value: npm sends Bearer, or Basic with what is base64 already.
func valueOf(c regpass.Credential) (option, value string, err error) {
	secret := c.Secret.Reveal()
	if err := envsync.CheckPrintable(secret); err != nil {
		return "", "", fmt.Errorf("the secret %w", err)
	}
	switch c.Kind {
	case regpass.Bearer:
		if !token68().MatchString(secret) || strings.Contains(secret, "${") {
			return "", "", errors.New("the token holds a character that an .npmrc cannot hold")
		}
		return "_authToken", secret, nil
	case regpass.Basic:
		if err := envsync.CheckUserName(c.Username); err != nil {
			return "", "", fmt.Errorf("the user name %w", err)
		}
		return "_auth", base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + secret)), nil
	}
	return "", "", fmt.Errorf("npm has no %s credentials", c.Kind)
}

// keyOf is the key of a line, or empty: of a comment, a section, or what has none
// (https://www.npmjs.com/package/ini).
func keyOf(text string) string {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if text == "" || strings.ContainsRune(";#[", rune(text[0])) {
		return ""
	}
	key, _, _ := strings.Cut(text, "=")
	return strings.Trim(strings.TrimSpace(key), `"'`)
}

// theirs are the keys, each once, of the lines of a file read before ours that win over them. Of a host's lines the one
// with the longest path counts, so a line that is the beginning of one of ours loses.
func theirs(text []byte, ours []line) (found []string) {
	for one := range strings.Lines(string(text)) {
		key := keyOf(one)
		loses := func(l line) bool {
			at := key[:strings.LastIndex(key, ":")]
			return at != l.at && strings.HasPrefix(l.at, at)
		}
		if hides(key, ours) && !slices.ContainsFunc(ours, loses) && !slices.Contains(found, key) {
			found = append(found, key)
		}
	}
	return found
}

// hides reports whether a key is a credential for a host of ours.
func hides(key string, ours []line) bool {
	i := strings.LastIndex(key, ":")
	if i < 0 || !slices.Contains(options, key[i+1:]) {
		return false
	}
	return slices.ContainsFunc(ours, func(l line) bool { return strings.EqualFold(hostOf(l.at), hostOf(key[:i])) })
}

// hostOf is the host in "//host[:port]/path/".
func hostOf(at string) string {
	host, _, _ := strings.Cut(strings.TrimPrefix(at, "//"), "/")
	return host
}

// copyOthers copies a file without the lines that hold a credential for a host of ours: one with a longer path would
// win, and so would some of a kind of its own. dropped are their keys, but for those of an earlier login.
func copyOthers(old []byte, ours []line) (kept []byte, dropped []string) {
	old = bytes.TrimPrefix(old, []byte("\ufeff")) // it is at the beginning no more
	for one := range strings.Lines(string(old)) {
		key := keyOf(one)
		if !hides(key, ours) {
			kept = append(kept, one...)
			continue
		}
		same := func(l line) bool { return l.String() == strings.TrimSpace(one) }
		if !slices.ContainsFunc(ours, same) && !slices.Contains(dropped, key) {
			dropped = append(dropped, key)
		}
	}
	if len(kept) > 0 && !bytes.HasSuffix(kept, []byte("\n")) {
		kept = append(kept, '\n')
	}
	return kept, dropped
}

// set is envsync.Format.Set: our lines are the first, for a section further down would take them in.
func set(old []byte, entries []envsync.Entry) ([]byte, error) {
	ours, err := lines(entries)
	if err != nil {
		return nil, err
	}
	var keys []string
	var b bytes.Buffer
	for _, l := range ours {
		keys = append(keys, l.key())
		fmt.Fprintln(&b, l)
	}
	b.Write(without(old, keys))
	return b.Bytes(), nil
}

// without is a file without the lines of some keys.
func without(file []byte, keys []string) (left []byte) {
	for one := range strings.Lines(string(file)) {
		if !slices.Contains(keys, keyOf(one)) {
			left = append(left, one...)
		}
	}
	return left
}

// restore is envsync.Format.Restore.
func restore(now, before []byte, keys []string) ([]byte, error) {
	var old []byte
	for one := range strings.Lines(string(before)) {
		if slices.Contains(keys, keyOf(one)) {
			old = append(old, one...)
		}
	}
	left := without(now, keys)
	if bytes.Equal(left, without(before, keys)) {
		return before, nil
	}
	if left = append(old, left...); before == nil && len(left) == 0 {
		return nil, nil
	}
	return left, nil
}

func keys(entries []envsync.Entry) (all []string) {
	ours, err := lines(entries)
	if err != nil {
		return nil
	}
	for _, l := range ours {
		all = append(all, l.key())
	}
	return all
}
