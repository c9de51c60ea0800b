package sts

import (
	"strings"

	"github.com/regpass/regpass"
)

// pep440 is a version with everything that its specification lets one write, in lower case
// (https://packaging.python.org/en/latest/specifications/version-specifiers, appendix).
var pep440 = regpass.Pattern(`^v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)` +
	`(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?([0-9]*))?` +
	`(?:-([0-9]+)|[-_.]?(post|rev|r)[-_.]?([0-9]*))?` +
	`(?:[-_.]?(dev)[-_.]?([0-9]*))?` +
	`(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$`)

// preRelease are the spellings of the kinds of pre-releases.
var preRelease = map[string]string{"alpha": "a", "beta": "b", "preview": "rc", "pre": "rc", "c": "rc"}

// sameVersion reports whether two texts spell one version. File names have _ for -.
func sameVersion(one, other string) bool { return plainVersion(one) == plainVersion(other) }

// plainVersion is the same for all spellings of a version: 1.0, v1 and 1.0.0, or 1.0-alpha.1 and 1a1.
func plainVersion(text string) string {
	text = strings.ReplaceAll(strings.ToLower(text), "_", "-")
	m := pep440().FindStringSubmatch(text)
	if m == nil {
		return separators().ReplaceAllString(text, "-") // an older kind of version
	}
	release := strings.Split(m[2], ".")
	for i := range release {
		release[i] = plainNumber(release[i])
	}
	for len(release) > 1 && release[len(release)-1] == "0" {
		release = release[:len(release)-1]
	}
	out := plainNumber(m[1]) + "!" + strings.Join(release, ".")
	if kind := m[3]; kind != "" {
		if short := preRelease[kind]; short != "" {
			kind = short
		}
		out += kind + plainNumber(m[4])
	}
	if m[5] != "" || m[6] != "" {
		out += ".post" + plainNumber(m[5]+m[7])
	}
	if m[8] != "" {
		out += ".dev" + plainNumber(m[9])
	}
	if m[10] != "" {
		out += "+" + plainLocal(m[10])
	}
	return out
}

// plainLocal is a local version, of which the parts that are numbers compare as such.
func plainLocal(text string) string {
	parts := strings.Split(separators().ReplaceAllString(text, "."), ".")
	for i, p := range parts {
		if strings.Trim(p, "0123456789") == "" {
			parts[i] = plainNumber(p)
		}
	}
	return strings.Join(parts, ".")
}

// plainNumber is a number without zeros in front; nothing is 0.
func plainNumber(digits string) string {
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0"
	}
	return digits
}
