package envsync

// Replacement is text to put in the place of data[Start:End].
type Replacement struct {
	Start, End int
	Text       string
}

// Splice makes the replacements, which must be in order and must not overlap.
func Splice(data []byte, edits []Replacement) []byte {
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, data[at:e.Start]...), e.Text...)
		at = e.End
	}
	return append(out, data[at:]...)
}
