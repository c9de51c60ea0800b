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
	userHint     = "take it out of the URL and give it with --token-stdin; " + replaceIt
	hostHint     = "name the registry, and give the token with --token-stdin; " + replaceIt
	replaceIt    = "you may have to replace it, because it has been in a file or a shell history"
)

var (
	urlScheme = Pattern(`^[A-Za-z][A-Za-z0-9+.-]*://`)
	// tokenInPath matches a path that conda's clients take for one with a token, wherever it stands
	// (conda/common/url.py, split_anaconda_token). hidePath also matches it where characters are escaped.
	tokenInPath = Pattern(`(?:^|/)t/[^/]`)
	hidePath    = Pattern(`(?i)(^|/|%2f)(?:t|%74)(?:/|%2f).*$`)
	hideQuery   = Pattern(`[?#].*$`)
	// tokenLike matches tokens that people use as a user name, or in the place of a registry: ones that begin as those
	// of a known service do, and text that is too long for a name and holds nothing that an address has.
	tokenLike = Pattern(`^(?:(?:gh[oprsu]_|github_pat_|gl[a-z]{2,5}-|pypi-|[sr][kt]-|pfx[_-]|npm_|eyJ|AKCp|cmVmdGtu)` +
		`[A-Za-z0-9_.~-]{12,}|[A-Za-z0-9_.=~/-]{40,})$`)
)

// mark stands for a text that is not shown.
const mark = "***"

// hideSecrets returns the words of a REGISTRY for an error. It hides the text before the last @, the query, the
// fragment, a conda token in the path, the values of options, and words that are none: each may be a secret, or a part
// of one with white space in it.
func hideSecrets(words []string) string {
	text := strings.Join(words, " ")
	scheme := urlScheme().FindString(text)
	user := ""
	if at := strings.LastIndex(text, "@"); at >= 0 {
		user, text = mark+"@", text[at+1:]
	} else {
		text = text[len(scheme):]
	}
	out := strings.Fields(text)
	for i, w := range out {
		kv := refOption().FindStringSubmatch(w)
		switch {
		case i == 0:
			out[i] = hideQuery().ReplaceAllString(hidePath().ReplaceAllString(hideHost(w), "${1}t/"+mark), mark)
		case kv != nil:
			out[i] = kv[1] + "=" + mark
		default:
			out[i] = mark
		}
	}
	return scheme + user + strings.Join(out, " ")
}

// hideHost hides the first word of a REGISTRY if it is rather a token than a host.
func hideHost(word string) string {
	if !strings.ContainsAny(word, "./:") && (len(word) >= 20 || tokenLike().MatchString(word)) {
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
	case tokenLike().MatchString(r.User) || tokenLike().MatchString(option):
		return Hintf(errors.New("the user name looks like a token"), "%s", userHint)
	case strings.ContainsFunc(r.User, func(c rune) bool { return c == ':' || !unicode.IsGraphic(c) }):
		return errors.New("the user name holds a colon or a control character")
	}
	return nil
}
