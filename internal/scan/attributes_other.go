//go:build !linux

package scan

// attributes are not read on this system.
func attributes(string) map[string]string { return nil }
