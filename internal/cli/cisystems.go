package cli

// CISystem names a CI system that `regpass init` has a recipe for.
type CISystem struct {
	Name  string // the argument of init, such as gitlab
	Title string // as its makers write it, such as GitLab CI/CD
}

// CISystems lists the CI systems in the order that help shows them in. docs/ci has a page for each, NAME.md.
func CISystems() []CISystem {
	var all []CISystem
	for _, s := range ciSystems {
		all = append(all, CISystem{Name: s.name, Title: s.title})
	}
	return all
}
