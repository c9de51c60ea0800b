package aws

import (
	"strings"

	"github.com/regpass/regpass/internal/xmlwalk"
)

// Fields reads one of STS's answers: the text of each element that has some, by its path below the root, as
// "GetWebIdentityTokenResult/WebIdentityToken". The first of a path counts.
func Fields(answer []byte) (map[string]string, error) {
	got := map[string]string{}
	err := xmlwalk.Walk(string(answer), func(path []string, _ func(string) string, text string) {
		at := strings.Join(path[1:], "/")
		if _, seen := got[at]; text != "" && !seen {
			got[at] = text
		}
	})
	if err != nil {
		return nil, err
	}
	return got, nil
}
