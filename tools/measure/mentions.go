package main

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mentions are the files that say a name, which is how many files one touches to add such another.
type mentions struct {
	Name string
	// Own are production files that are written anew for another name: their name, or that of a folder around them, starts
	// with this one.
	Own        []string
	Production []string // .go, .tmpl and action.yml that are not Own
	Tests      []string // _test.go, and everything in testdata folders
	Docs       []string // .md
}

// mentions looks for a name as a word, also as one of an identifier's: prefix.dev is in PREFIX_DEV_TOKEN and in
// newPrefixDev, not in notprefix.dev.
func (t *tree) mentions(name string) mentions {
	m := mentions{Name: name}
	re := word(name)
	for _, s := range t.files {
		if !says(s.text, re) {
			continue
		}
		switch s.kind {
		case production:
			if isOwn(s.name, name) {
				m.Own = append(m.Own, s.name)
			} else {
				m.Production = append(m.Production, s.name)
			}
		case test:
			m.Tests = append(m.Tests, s.name)
		case docs:
			m.Docs = append(m.Docs, s.name)
		}
	}
	return m
}

// word finds a name in any case, and with another sign or none between its parts.
func word(name string) *regexp.Regexp {
	parts := strings.FieldsFunc(name, isSign)
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return regexp.MustCompile("(?i)" + strings.Join(parts, `[^\pL\pN]?`))
}

func isSign(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// says tells whether text has a word that re finds, not only a part of one.
func says(text []byte, re *regexp.Regexp) bool {
	for _, at := range re.FindAllIndex(text, -1) {
		before, _ := utf8.DecodeLastRune(text[:at[0]])
		after, _ := utf8.DecodeRune(text[at[1]:])
		first, _ := utf8.DecodeRune(text[at[0]:])
		starts := isSign(before) || unicode.IsLower(before) && unicode.IsUpper(first)
		shouts := !slices.ContainsFunc([]rune(string(text[at[0]:at[1]])), unicode.IsLower)
		if starts && (isSign(after) || unicode.IsUpper(after) && !shouts) {
			return true
		}
	}
	return false
}

// isOwn tells whether a file is there for one name alone.
func isOwn(file, name string) bool {
	want := plain(name)
	for part := range strings.SplitSeq(strings.TrimSuffix(file, path.Ext(file)), "/") {
		if strings.HasPrefix(plain(part), want) {
			return true
		}
	}
	return false
}

// plain leaves the letters and digits of a name, in lower case.
func plain(name string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(name, isSign), ""))
}
