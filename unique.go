package regpass

// Unique returns the elements of all in their order; of several with the same key it returns only the first.
func Unique[T any](all []T, key func(T) string) []T {
	var out []T
	seen := map[string]bool{}
	for _, element := range all {
		if !seen[key(element)] {
			seen[key(element)] = true
			out = append(out, element)
		}
	}
	return out
}
