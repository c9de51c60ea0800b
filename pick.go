package regpass

import "strings"

// Pick finds the row of a table by its name. An unknown name, or none, is ErrUsage, and the error lists the known names
// in the order of the table, with a hint if one is like it. noun is the word for a row: "provider".
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
	err := Usagef("unknown %s %s (known: %s)", noun, Quote(name), strings.Join(known, ", "))
	if like := DidYouMean(name, "", known); like != "" {
		err = Hintf(err, "%s", like)
	}
	return none, err
}

// DidYouMean asks whether the known names that a word is most like were meant, each behind prefix; empty: it is like
// none. It is like a name that it begins, or that it differs from in at most two letters.
func DidYouMean(word, prefix string, known []string) string {
	var like []string
	nearest := maxDistance
	for _, name := range known {
		switch d := distance(strings.ToLower(word), name); {
		case d > min(nearest, len(name)/2):
		case d < nearest:
			nearest, like = d, []string{prefix + name}
		default:
			like = append(like, prefix+name)
		}
	}
	if len(like) == 0 {
		return ""
	}
	return "did you mean " + strings.Join(like, " or ") + "?"
}

// maxDistance is how many letters a word may differ in from the name that was meant.
const maxDistance = 2

// distance is how many letters must be added, left out or exchanged to make name of word (Levenshtein's distance), or
// more than maxDistance. To a name that the word begins it is 0.
func distance(word, name string) int {
	switch {
	case word == "", len(word) > len(name)+maxDistance:
		return maxDistance + 1
	case strings.HasPrefix(name, word):
		return 0
	}
	row := make([]int, len(name)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(word) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(name) {
			cost := diagonal
			if word[i] != name[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(name)]
}

// Names lists the names of the rows of a table.
func Names[R any](rows []R, nameOf func(R) string) []string {
	var all []string
	for _, row := range rows {
		all = append(all, nameOf(row))
	}
	return all
}
