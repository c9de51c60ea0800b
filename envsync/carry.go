package envsync

import "slices"

// Carries reports why the sink's clients cannot take the credential at all, or nil. What else stands in their files
// does not matter here.
func (s Sink) Carries(e Entry) error {
	i := slices.IndexFunc(Formats, func(f Format) bool { return f.Name == s.Name })
	if i < 0 {
		return nil // variables carry anything
	}
	_, err := Formats[i].Set(nil, []Entry{e})
	return err
}

// Value is what the variable is set to, a secret in clear.
func (v Var) Value() string {
	if !v.Secret.Empty() {
		return v.Secret.Reveal()
	}
	return v.Plain
}
