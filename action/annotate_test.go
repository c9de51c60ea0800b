package action_test

import (
	"bytes"
	"testing"

	"github.com/regpass/regpass/action"
	"github.com/regpass/regpass/internal/fake"
)

func TestHarmless(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"regpass: a::b: fine", "regpass: a::b: fine"},
		{"::error::x", `\x3a:error::x`},
		{"a\n::error::x\n\t ::add-mask::y", "a\n\\x3a:error::x\n\t \\x3a:add-mask::y"},
		{"a\r::stop-commands::x", "a\r\\x3a:stop-commands::x"},
		{"\n\n::a::", "\n\n\\x3a:a::"},
		{"\u00a0\u2028::a::", "\u00a0\u2028\\x3a:a::"},
		{"one ##[error]x ##[group]y", `one ##\x5berror]x ##\x5bgroup]y`},
		{"###[[", `###\x5b[`},
		{"a ##vso[task.setvariable variable=x]y", `a ##vso\x5btask.setvariable variable=x]y`},
		{"##teamcity[x ##a##b[y] # #[z] ##a b[c]", `##teamcity\x5bx ##a##b\x5by] # #[z] ##a b[c]`},
	} {
		got := action.Harmless(test.text)
		if got != test.want {
			t.Errorf("%q became %q, not %q", test.text, got, test.want)
		}
	}
}

// FuzzHarmless has a runner read what came out.
func FuzzHarmless(f *testing.F) {
	for _, seed := range []string{"::a::b", " ::a::", "##[a]", "a\r\n\v::x y=z::", "####[[a]]", "\u0085::a::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, commands := fake.Log(action.Harmless(text)); len(commands) > 0 {
			t.Errorf("%q still holds %q", text, commands)
		}
	})
}

// An annotation is one command, whatever its text holds.
func TestAnnotate(t *testing.T) {
	const text = "100%\nhint: a\r::error::b\n##[group]c"
	var out bytes.Buffer
	if err := action.Annotate(&out, action.Warning, "a:b,c", text); err != nil {
		t.Fatal(err)
	}
	shown, commands := fake.Log(out.String())
	want := fake.Command{Name: "warning", Properties: "title=a%3Ab%2Cc", Data: action.Harmless(text)}
	if shown != "" || len(commands) != 1 || commands[0] != want {
		t.Errorf("shown %q, commands %q", shown, commands)
	}
}
