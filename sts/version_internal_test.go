package sts

import (
	"strings"
	"testing"
	"time"
)

func TestSameVersion(t *testing.T) {
	for _, test := range []struct {
		field, file string
		want        bool
	}{
		{"1.0", "1.0", true}, {"1.0", "1.0.0", true}, {"v1.0", "1", true}, {"01.0", "1.00", true},
		{"1.0", "1.1", false}, {"1.0", "10", false}, {"1.0.1", "1.0", false}, {"99.0", "1.0", false},
		{"1.0-alpha.1", "1.0a1", true}, {"1.0.beta", "1b0", true}, {"1.0c2", "1.0rc2", true}, {"1.0a1", "1.0b1", false},
		{"1.0a1", "1.0", false}, {"1.0-1", "1.0.post1", true}, {"1.0-1", "1.0_1", true}, {"1.0-rev3", "1.0.post3", true},
		{"1.0.dev3", "1.0dev3", true}, {"1.0.dev", "1.0.dev0", true}, {"1.0.dev3", "1.0", false},
		{"1!1.0", "1!1.0", true}, {"0!1.0", "1.0", true}, {"1!1.0", "1.0", false},
		{"1.0+Ubuntu-1", "1.0+ubuntu.1", true}, {"1.0+ubuntu.1", "1.0+ubuntu_1", true}, {"1.0+a", "1.0", false},
		{"1.0+a.01", "1.0+a.1", true}, {"1.0+00", "1.0+0", true}, {"1.0+a01", "1.0+a1", false}, {"1.0+1", "1.0+10", false},
		{"2004d", "2004d", true}, {"1.0-final-x", "1.0_final_x", true}, {"2004d", "2004e", false},
	} {
		if got := sameVersion(test.field, test.file); got != test.want {
			t.Errorf("%s is %s: %v (%s, %s)", test.field, test.file, got, plainVersion(test.field), plainVersion(test.file))
		}
	}
}

// TestLongNamesTakeNoTime: an upstream's page has 32 MiB, and the fields of an upload have 4.
func TestLongNamesTakeNoTime(t *testing.T) {
	long, began := strings.Repeat("a-1.0-", 4<<20), time.Now()
	if _, _, ok := parseFilename(long + ".zip"); ok {
		t.Error("it is the name of a file")
	}
	in := received{fields: fields{name: long, version: "1.0"}}
	if in.check("a-1.0.zip") == nil {
		t.Error("it is the name of a")
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("that took %s", took)
	}
}
