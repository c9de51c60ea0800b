package regpass

// Unique returns the elements of all in their order, and of those with the same key only the first.
func Unique[T any](all []T, key func(T) string) []T {
	var out []T
	seen := map[string]bool{}
	for _, one := range all {
		if !seen[key(one)] {
			seen[key(one)] = true
			out = append(out, one)
		}
	}
	return out
}
