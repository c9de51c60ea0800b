package action

import "testing"

// A delimiter that stands in the value is drawn again, and never used.
func TestBlockDrawsAgain(t *testing.T) {
	draws := []string{"bad", "good"}
	draw := func() string { d := draws[0]; draws = draws[1:]; return d }
	if got, err := block("name", "a bad value", draw); err != nil || got != "name<<good\na bad value\ngood" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := block("name", "a bad value", func() string { return "bad" }); err == nil {
		t.Errorf("the delimiter stands in the value: %q", got)
	}
}
