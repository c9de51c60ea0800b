package action

import "strings"

// List writes items as the inputs of Docker's actions take lists: one a line, with the quotes of CSV around an item
// that holds a line break or a quote (docker/actions-toolkit, util.ts, getList).
func List(items []string) string {
	var b strings.Builder
	for i, item := range items {
		if i > 0 {
			b.WriteByte('\n')
		}
		if strings.ContainsAny(item, "\"\r\n") {
			item = `"` + strings.ReplaceAll(item, `"`, `""`) + `"`
		}
		b.WriteString(item)
	}
	return b.String()
}
