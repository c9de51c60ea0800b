package aws

import (
	"maps"
	"testing"
)

func TestFields(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		want   map[string]string
		bad    bool
	}{
		"nested": {answer: `<R xmlns="https://sts"><A><B>one</B><C>two</C></A></R>`,
			want: map[string]string{"A/B": "one", "A/C": "two"}},
		"first counts": {answer: `<R><A>one</A><A>two</A></R>`, want: map[string]string{"A": "one"}},
		"comment":      {answer: `<R><A>o<!-- x -->ne</A></R>`, want: map[string]string{"A": "one"}},
		"root only":    {answer: `<R>text</R>`, want: map[string]string{"": "text"}},
		"empty":        {answer: ``, want: map[string]string{}},
		"entity":       {answer: `<!DOCTYPE R [<!ENTITY a "b">]><R><A>&a;</A></R>`, bad: true},
		"unclosed":     {answer: `<R><A>one</A>`, bad: true},
		"not XML":      {answer: `{"a": 1}`, want: map[string]string{}},
	} {
		got, err := Fields([]byte(c.answer))
		if (err != nil) != c.bad || !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
}
