package regpass

import (
	"errors"
	"strings"
	"unicode"
)

// People write secrets into a registry's URL, where other programs take them. None may be shown, and none may become a
// part of a Ref, which is printed everywhere.

const (
	passwordHint = "take it out of the URL and give it with --password-stdin; " + replaceIt
	tokenHint    = "take /t/TOKEN out of the URL and give the token with --conda-token-stdin; " + replaceIt
	userHint     = "if it is a name, write username=NAME behind the URL; if it is a token, take it out of the URL " +
		"and give it with --token-stdin; " + replaceIt
	hostHint  = "name the registry, and give the token with --token-stdin; " + replaceIt
	replaceIt = "you may have to replace it, because it has been in a file or a shell history"
)

var (
	urlScheme = Pattern(`^[A-Za-z][A-Za-z0-9+.-]*://`)
	// tokenInPath matches a path that conda's clients take for one with a token, wherever it stands
	// (conda/common/url.py, split_anaconda_token). hidePath also matches it where characters are escaped.
	tokenInPath = Pattern(`(?:^|/)t/+[^/]`)
	hidePath    = Pattern(`(?i)(^|/|%2f)(?:t|%74)(?:/|%2f).*$`)
	hideQuery   = Pattern(`[?#].*$`)
	// knownToken matches tokens that begin as those of a service do.
	knownToken = Pattern(`^(?:gh[oprsu]_|github_pat_|gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|oas)-|pypi-AgE|npm_|` +
		`pfx_|pfx-jwt|(?:sk|rt)-regpass-|sk-pyx-|eyJ|AKCp|cmVmdGtu)[A-Za-z0-9_.~-]{8,}$`)
	tokenText = Pattern(`^[A-Za-z0-9_=~/-]+$`)
	plainText = Pattern(`^[A-Za-z0-9]+$`)
)

// mark stands for a text that is not shown.
const mark = "***"

// hideSecrets returns the words of a REGISTRY for an error. It hides the user name, the query, the fragment, a conda
// token in the path, and all words behind the URL: each may be a secret, or a part of one with white space in it. Where
// it is not clear which part an @ ends, all is hidden.
func hideSecrets(words []string) string {
	text := strings.Join(words, " ")
	scheme := urlScheme().FindString(text)
	user := ""
	text = text[len(scheme):]
	if at := strings.LastIndex(text, "@"); at >= 0 {
		if strings.ContainsAny(text[:at], "/?# ") { // what follows may be the end of a path, a query or a password
			return scheme + mark
		}
		user, text = mark+"@", text[at+1:]
	}
	first, options, more := strings.Cut(strings.TrimLeft(text, " "), " ")
	shown := hideQuery().ReplaceAllString(hidePath().ReplaceAllString(hideHost(first), "${1}t/"+mark), mark)
	if more && options != "" {
		shown += " " + mark
	}
	return scheme + user + shown
}

// looksLikeToken reports whether text is rather a token than the name of a user or a host: long, and of digits and
// letters such as no person would choose.
func looksLikeToken(text string) bool {
	digit := strings.ContainsAny(text, "0123456789")
	mixed := digit && strings.ToLower(text) != text && strings.ToUpper(text) != text
	switch {
	case knownToken().MatchString(text):
		return true
	case !tokenText().MatchString(text):
		return false
	}
	return mixed && len(text) >= 16 || digit && (len(text) >= 40 || len(text) >= 24 && plainText().MatchString(text))
}

// hideHost hides the first word of a REGISTRY if it is rather a token than a host.
func hideHost(word string) string {
	if !strings.ContainsAny(word, "./:") && (len(word) >= 20 || looksLikeToken(word)) {
		return mark
	}
	return word
}

// checkUser refuses two user names, and one that no header can carry or that looks like a token.
func (r *Ref) checkUser() error {
	option, given := r.Options["username"]
	switch {
	case given && r.User != "" && r.User != option:
		return errors.New("the URL and the option username name two users")
	case looksLikeToken(r.User) || knownToken().MatchString(option):
		return Hintf(errors.New("the user name looks like a token"), "%s", userHint)
	case strings.ContainsFunc(r.User, func(c rune) bool { return c == ':' || !unicode.IsGraphic(c) }):
		return errors.New("the user name holds a colon or a control character")
	}
	return nil
}
