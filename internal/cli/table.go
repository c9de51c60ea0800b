package cli

import (
	"strings"

	"github.com/regpass/regpass"
)

// byName finds a row of a table by name. An unknown name is asked wrongly, and the answer lists the known ones.
func byName[Row any](verb, what, name string, rows []Row, nameOf func(i int) string) (Row, error) {
	var known []string
	for i, row := range rows {
		if nameOf(i) == name {
			return row, nil
		}
		known = append(known, nameOf(i))
	}
	var none Row
	return none, regpass.Usagef("%s: there is no %s %s; there are %s", verb, what, regpass.Quote(name), strings.Join(known, ", "))
}

// names lists a column of a table.
func names[Row any](rows []Row, nameOf func(i int) string) []string {
	var all []string
	for i := range rows {
		all = append(all, nameOf(i))
	}
	return all
}
