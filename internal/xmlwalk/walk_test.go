package xmlwalk

import (
	"strings"
	"testing"
)

func TestWalk(t *testing.T) {
	var got []string
	err := Walk(`<a xmlns="urn:x"><b k="v"> one<!-- x --> </b>two<c/></a>`,
		func(path []string, attr func(string) string, text string) {
			got = append(got, strings.Join(path, "/")+"="+text+attr("k"))
		})
	if all := strings.Join(got, " "); err != nil || all != "a/b=onev a/c= a=" {
		t.Errorf("%q, %v", all, err)
	}
	none := func([]string, func(string) string, string) {}
	for name, text := range map[string]string{
		"entity":   `<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>`,
		"unclosed": `<a><b></a>`,
		"too deep": strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1),
		"endless":  strings.Repeat("<a>", 1_000_000),
	} {
		if Walk(text, none) == nil {
			t.Errorf("%s: read", name)
		}
	}
	if err := Walk(strings.Repeat("<a>", maxDepth)+strings.Repeat("</a>", maxDepth), none); err != nil {
		t.Error(err)
	}
}
