package regpass

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Claims are the claims of a JSON Web Token (RFC 7519 section 4.1), read but not verified: the receiver of the token
// verifies it.
type Claims struct {
	Issuer    string
	Subject   string
	Audience  []string
	ID        string
	Expires   time.Time // zero: absent
	IssuedAt  time.Time // zero: absent
	NotBefore time.Time // zero: absent
	All       map[string]any
}

// base64url is the alphabet of RFC 4648 section 5.
const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// DecodeJWT reads the claims of a compact JWS: three base64url parts without padding, the second a JSON object. Two
// readers must not differ about what it says, so that part must be canonical (RFC 4648 section 3.5), claims are known
// by their exact names, and a name that an object has twice is refused (RFC 7519 section 4). The other parts are only
// looked at: those of prefix.dev's tokens are no base64. Its errors never hold any of the token.
func DecodeJWT(token Secret) (Claims, error) {
	all, err := payload(token)
	if err != nil {
		return Claims{}, fmt.Errorf("not a JSON Web Token: %w", err)
	}
	c := Claims{All: all}
	for name, into := range map[string]*string{"iss": &c.Issuer, "sub": &c.Subject, "jti": &c.ID} {
		if v, ok := all[name]; ok {
			if *into, ok = v.(string); !ok {
				return Claims{}, fmt.Errorf("the token's claim %s is not a string", name)
			}
		}
	}
	for name, into := range map[string]*time.Time{"exp": &c.Expires, "iat": &c.IssuedAt, "nbf": &c.NotBefore} {
		if v, ok := all[name]; ok {
			if *into, err = numericDate(v); err != nil {
				return Claims{}, fmt.Errorf("the token's claim %s is not a time in seconds", name)
			}
		}
	}
	if c.Audience, err = audience(all["aud"]); err != nil {
		return Claims{}, err
	}
	return c, nil
}

// payload decodes the second part of a compact JWS as a JSON object.
func payload(token Secret) (map[string]any, error) {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 || slices.Contains(parts, "") {
		return nil, fmt.Errorf("%d parts between dots instead of three that are not empty", len(parts))
	}
	for i, part := range parts {
		if strings.ContainsFunc(part, func(r rune) bool { return !strings.ContainsRune(base64url, r) }) {
			return nil, fmt.Errorf("its part %d is not base64url", i+1)
		}
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	if err != nil {
		return nil, errors.New("its second part is not base64url")
	}
	if !utf8.Valid(raw) {
		return nil, errors.New("its second part is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil || all == nil {
		return nil, errors.New("its second part is not a JSON object")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("its second part is more than a JSON object")
	}
	d = json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := namesOnce(d); err != nil {
		return nil, err
	}
	return all, nil
}

// namesOnce refuses a JSON value in which an object has a name twice: one reader takes the first, another the last. The
// value is known to be valid.
func namesOnce(d *json.Decoder) error {
	t, err := d.Token()
	open, isOpen := t.(json.Delim)
	if err != nil || !isOpen {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			t, err := d.Token()
			name, isName := t.(string)
			if err != nil || !isName || seen[name] {
				return errors.New("its second part names something twice")
			}
			seen[name] = true
		}
		if err := namesOnce(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// audience reads the claim aud: absent, a string, or a list of strings.
func audience(claim any) ([]string, error) {
	switch aud := claim.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{aud}, nil
	case []any:
		var all []string
		for _, a := range aud {
			s, ok := a.(string)
			if !ok {
				return nil, errors.New("the token's claim aud is not a list of strings")
			}
			all = append(all, s)
		}
		return all, nil
	}
	return nil, errors.New("the token's claim aud is neither a string nor a list")
}

// numericDate reads seconds since 1970, possibly with a fraction, up to the end of the year 9999.
func numericDate(v any) (time.Time, error) {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, errors.New("not a number")
	}
	f, err := n.Float64()
	if err != nil || math.IsNaN(f) || f < 0 || f > 253402300799 {
		return time.Time{}, errors.New("out of range")
	}
	return time.Unix(int64(f), 0).UTC(), nil
}

// Show renders the named claims for a person, as name=value with the value quoted. It leaves out absent ones.
func (c Claims) Show(names []string) string {
	var shown []string
	for _, name := range names {
		v, ok := c.All[name]
		if !ok {
			continue
		}
		text, isText := v.(string)
		if !isText {
			j, _ := json.Marshal(v)
			text = string(j)
		}
		shown = append(shown, name+"="+Quote(text))
	}
	return strings.Join(shown, " ")
}
