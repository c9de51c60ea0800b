package regpass

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxToken is the length of the longest token that is accepted, in bytes: no client sends a longer header.
const MaxToken = 64 << 10

// Secret holds a value that must not be shown. Every verb, logger and encoder prints it as [secret]; only Reveal
// returns the value. The zero Secret is empty. It holds a func because fmt prints unexported strings.
type Secret struct{ reveal func() string }

// NewSecret hides value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{func() string { return value }}
}

// SecretLine hides the content of a variable, a file or a pipe, without the line end that echo adds.
func SecretLine(text string) Secret {
	return NewSecret(strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"))
}

// Reveal returns the hidden value. Call it once, next to the write.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Empty reports whether the value is empty.
func (s Secret) Empty() bool { return s.reveal == nil }

// Fingerprint is the first 16 hex digits of the value's SHA-256, to tell two secrets apart without showing either.
func (s Secret) Fingerprint() string {
	sum := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(sum[:8])
}

const hidden = "[secret]"

// String returns [secret].
func (s Secret) String() string { return hidden }

// Format writes [secret] for every verb.
func (s Secret) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, hidden) }

// MarshalText returns [secret], so that no encoder shows the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue returns [secret].
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// ParseToken makes a Secret of a token read from outside. It drops surrounding white space, and refuses tokens that no
// client can send: an empty one, one of more than MaxToken bytes, and any with a byte that is not printable ASCII or is
// a space (b64token of RFC 6750 is a subset). Its errors never hold the value.
func ParseToken(raw string) (Secret, error) {
	t := strings.TrimSpace(raw)
	switch {
	case t == "":
		return Secret{}, errors.New("the token is empty")
	case len(t) > MaxToken:
		return Secret{}, fmt.Errorf("the token has %d bytes, more than the %d that are accepted", len(t), MaxToken)
	}
	for i := range len(t) {
		if t[i] <= ' ' || t[i] > '~' {
			const format = "the token holds the byte 0x%02x at position %d; tokens are printable ASCII without spaces"
			return Secret{}, fmt.Errorf(format, t[i], i)
		}
	}
	return NewSecret(t), nil
}

// MinMinted is the length of the shortest token that is taken from a server, in bytes: 128 bits in base64 or hex need
// more. A shorter one stands in harmless output too, so it could be neither replaced there nor searched for.
const MinMinted = 16

// ParseMinted is ParseToken for what a server makes. A job that prints its token shows a secret, and must not let
// the server command the runner too.
func ParseMinted(raw string) (Secret, error) {
	secret, err := ParseToken(raw)
	if err != nil {
		return Secret{}, err
	}
	switch text := secret.Reveal(); {
	case len(text) < MinMinted:
		return Secret{}, fmt.Errorf("the token has fewer than %d bytes, so it could not be kept out of the output",
			MinMinted)
	case strings.HasPrefix(text, "::"), Inert(text) != text:
		return Secret{}, errors.New("the token is a command to a CI system's runner")
	}
	return secret, nil
}

// ParsePassword is ParseToken for passwords, which people choose: spaces and all scripts are fine. It drops only a
// final line break, which files and pipes add. It refuses an empty value, more than MaxToken bytes, text that is not
// UTF-8, and characters that could end a line or hide: control and format characters. Its errors never hold the value.
func ParsePassword(raw string) (Secret, error) {
	p := strings.TrimSuffix(strings.TrimSuffix(raw, "\n"), "\r")
	switch {
	case p == "":
		return Secret{}, errors.New("the password is empty")
	case len(p) > MaxToken:
		return Secret{}, fmt.Errorf("the password has %d bytes, more than the %d that are accepted", len(p), MaxToken)
	case !utf8.ValidString(p):
		return Secret{}, errors.New("the password is not UTF-8")
	case strings.ContainsFunc(p, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return Secret{}, errors.New("the password holds a line break or another control character")
	}
	return NewSecret(p), nil
}
