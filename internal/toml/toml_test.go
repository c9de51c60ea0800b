package toml_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/regpass/regpass/internal/toml"
)

// repeat writes a line for each number below n.
func repeat(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// config has fields as the readers of project files have.
type config struct {
	Index   []struct{ Name, URL string }
	Channel []any
	Tool    struct{ Names []string }
}

// allocated is how much decoding text allocates, in bytes.
func allocated(text string) (uint64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := toml.Unmarshal([]byte(text), &config{})
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

// maxMemory is what a text of at most a megabyte may cost, in bytes.
const maxMemory = 128 << 20

// What the decoder would need seconds or gigabytes for is refused before that.
func TestHostileTextsAreRefused(t *testing.T) {
	const keys, nested, parts = "the file has more than 8192 keys", "nested more than 32 deep", "more than 16 parts"
	for name, test := range map[string]struct{ text, says string }{
		"a dotted key":         {strings.Repeat("a.", 8000) + "a = 1", parts},
		"a dotted table":       {"[" + strings.Repeat("a.", 8000) + "a]", parts},
		"quoted parts":         {strings.Repeat(`"a" . `, 20) + "a = 1", parts},
		"nested inline tables": {"a = " + strings.Repeat("{a=", 8000) + "1" + strings.Repeat("}", 8000), nested},
		"nested arrays":        {"a = " + strings.Repeat("[", 8000) + strings.Repeat("]", 8000), nested},
		"never closed":         {"a = " + strings.Repeat("[\n", 8000), nested},
		"one inline table":     {"a = {" + repeat(100_000, "k%d=1,") + "z=1}", keys},
		"tables":               {repeat(100_000, "[t%d]\n"), keys},
		"arrays of tables":     {repeat(50_000, "[[a%d.b.c]]\n"), keys},
		"one array of tables":  {strings.Repeat("[[a]]\n", 100_000), keys},
		"keys of a line each":  {repeat(100_000, "k%d=1\n"), keys},
		"many dotted keys":     {repeat(10_000, "a.b.c.d.e.f.g.k%d=1\n"), keys},
		"behind a lone quote":  {"# it's\na = 'x'\nb = \"\"\"\n\\\"\"\"\"\"\"\nc = " + strings.Repeat("[", 99), "line 5: "},
		"behind a string":      {`a = "\\"` + "\nb = '\\'\n" + strings.Repeat("a.", 99), "line 3: "},
	} {
		t.Run(name, func(t *testing.T) {
			used, err := allocated(test.text)
			if err == nil || !strings.Contains(err.Error(), test.says) || used > 1<<20 {
				t.Errorf("%v, after %d bytes", err, used)
			}
		})
	}
}

// The worst texts that are still within the bounds.
func TestTheWorstIsBounded(t *testing.T) {
	deep := func(open, in, end string) string { return strings.Repeat(open, 31) + in + strings.Repeat(end, 31) }
	for name, text := range map[string]string{
		"keys":          repeat(8000, "k%d=1\n"),
		"inline tables": "a = {" + repeat(8000, "k%d=1,") + "z=1}",
		"tables":        repeat(8000, "[t%d]\n"),
		"array tables":  strings.Repeat("[[index]]\n", 4000),
		"other tables":  repeat(800, "[[a%d.b.c.d]]\n[a%[1]d.b.c.e]\n"),
		"dotted keys":   repeat(500, "k%d"+strings.Repeat(".a", 15)+"=1\n"),
		"nested":        repeat(120, "k%d = "+deep("{a=", "1", "}")+"\n"),
		"an array":      "channel = [" + strings.Repeat("1,", 1<<18) + "]",
		"nested arrays": "channel = [" + strings.Repeat("[[[[[[[[]]]]]]]],", 1000) + "]",
		"strings":       "[tool]\nnames = [" + strings.Repeat(`"",`, 300_000) + "]",
		"one string":    `name = "` + strings.Repeat(`\u0041`, 150_000) + `"`,
		"comments":      strings.Repeat("#=\n", 300_000),
	} {
		if used, err := allocated(text); used > maxMemory || err != nil {
			t.Errorf("%s: %d bytes of text took %d bytes; error %v", name, len(text), used, err)
		}
	}
}

// What stands in strings and comments does not count.
func TestOrdinaryFilesAreRead(t *testing.T) {
	var c config
	text := "# [[[[.....====\n" + `[[index]]
name = "acme" # it's
url = "https://a.example/\"\\"
[tool]
names = [
  'a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z',
  """[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ "quoted" \""" """"",
  '''{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{ it's''''',
` + strings.Repeat("  \"package[extra]==1.2.3 ; python_version < '3.10'\",\n", 3000) + "]\n" +
		repeat(1500, "[tool.a.\"k.%d\"]\nx = 1.5\n")
	if err := toml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Index) != 1 || c.Index[0].URL != `https://a.example/"\` || len(c.Tool.Names) != 3003 {
		t.Errorf("%+v, %d names", c.Index, len(c.Tool.Names))
	}
}

func TestErrorsShowNothingOfTheText(t *testing.T) {
	for text, line := range map[string]string{
		"A_KEY=hunter2-secret\n":          "line 1 is not TOML",
		"a = 1\nTOKEN=\"hunter2-secret":   "line 2 is not TOML",
		"hunter2-secret = 1\nhunter2":     "line 2 is not TOML",
		"hunter2 = 1\nhunter2 = 2":        "is not TOML",
		"index = \"hunter2-secret\"":      "line 1 is not TOML",
		"[[index]]\nname = [\"hunter2\"]": "line 2 is not TOML",
		"tool = 2020-99-99 # hunter2":     "line 1 is not TOML",
		"a.hunter2 = 1\na = 2":            "is not TOML",
	} {
		err := toml.Unmarshal([]byte(text), &config{})
		if err == nil || !strings.Contains(err.Error(), line) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The count is never less than what the decoder finds, so that no text gets past the bounds.
func FuzzUnmarshal(f *testing.F) {
	for _, text := range []string{
		"a.b = 1", "[[a]]\nb = {c = [1, {d = 2}]}", "a = '''\n'''''", `"\"a" = "#"`, "a=\"\"\"\\\"\"\"\"",
	} {
		f.Add(strings.ReplaceAll(text, "b", "b"+strings.Repeat(".b", 3)))
		f.Add(text + "\n" + strings.Repeat("x.", 20) + "x = 1")
		f.Add(text + "\nx = " + strings.Repeat("[", 40) + strings.Repeat("]", 40))
	}
	f.Fuzz(func(t *testing.T, text string) {
		document := map[string]any{}
		if toml.Unmarshal([]byte(text), &document) != nil {
			return
		}
		if keys, depth := measure(document); keys > 8192+1 || depth > 33*17 || strings.Contains(text, "\x00") {
			t.Errorf("%d keys, %d deep", keys, depth)
		}
	})
}

// measure counts the keys of a document, and how deep it is.
func measure(v any) (keys, depth int) {
	var within []any
	switch v := v.(type) {
	case map[string]any:
		keys = len(v)
		for _, one := range v {
			within = append(within, one)
		}
	case []any:
		within = v
	}
	for _, one := range within {
		k, d := measure(one)
		keys, depth = keys+k, max(depth, d)
	}
	return keys, depth + 1
}
