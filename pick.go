package regpass

import "strings"

// Pick finds the row of a table by its name. An unknown name, or none, is ErrUsage, and the error lists the known names
// in the order of the table. noun is the word for a row: "provider".
func Pick[R any](noun, name string, rows []R, nameOf func(R) string) (R, error) {
	var known []string
	for _, row := range rows {
		if nameOf(row) == name {
			return row, nil
		}
		known = append(known, nameOf(row))
	}
	var none R
	if name == "" {
		return none, Usagef("no %s is named (known: %s)", noun, strings.Join(known, ", "))
	}
	return none, Usagef("unknown %s %s (known: %s)", noun, Quote(name), strings.Join(known, ", "))
}

// Names lists the names of the rows of a table.
func Names[R any](rows []R, nameOf func(R) string) []string {
	var all []string
	for _, row := range rows {
		all = append(all, nameOf(row))
	}
	return all
}
