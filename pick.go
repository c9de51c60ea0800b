package regpass

import "strings"

// Pick finds the row of a table by its name. An unknown name is ErrUsage, and the error lists the known ones in the
// order of the table; what says what the rows are, in the singular: "provider".
func Pick[R any](what, name string, rows []R, nameOf func(R) string) (R, error) {
	var known []string
	for _, row := range rows {
		if nameOf(row) == name {
			return row, nil
		}
		known = append(known, nameOf(row))
	}
	var none R
	return none, Usagef("unknown %s %s (known: %s)", what, Quote(name), strings.Join(known, ", "))
}

// Names lists the names of the rows of a table.
func Names[R any](rows []R, nameOf func(R) string) []string {
	var all []string
	for _, row := range rows {
		all = append(all, nameOf(row))
	}
	return all
}
