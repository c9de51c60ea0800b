// Package e2e answers "does the whole program do it?": its tests run regpass in processes of its own, from the scripts
// in testdata, with strict fakes and, behind build tags, with real package clients, container builders and CI runners.
// testdata/README.md describes the scripts and their commands.
package e2e
