// Package buildtool hands secrets to build programs: docker, bake, compose, podman and buildah take them as files, each
// with flags or a file of its own kind.
package buildtool

import (
	"path/filepath"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/buildkit/secret"
	"github.com/regpass/regpass/session"
)

// secretsFolder is the folder for secrets below the session's own files, so that a build can be allowed to read all of
// it.
const secretsFolder = "secrets"

// File is a secret of a container build as a private file, which build programs read anew for each step.
type File struct {
	secret.Secret
	session.File
}

// notInFileName matches the characters of an id that some file system or command line does not take.
var notInFileName = regpass.Pattern(`[^A-Za-z0-9_.-]`)

// Files lists the files for secrets below dir, the absolute path of the session's folder for files.
func Files(dir string, filled []secret.Filled) []File {
	var files []File
	for _, f := range filled {
		path := filepath.Join(dir, secretsFolder, notInFileName().ReplaceAllString(f.ID, "_"))
		files = append(files, File{f.Secret, session.File{Path: path, Content: f.Value}})
	}
	return files
}

// BakeFile is a bake file in dir with a target that has the secrets.
func BakeFile(dir string, files []File) (session.File, error) {
	text, err := secret.BakeFile(userDefined(files))
	return session.File{Path: filepath.Join(dir, "bake.json"), Content: regpass.NewSecret(string(text))}, err
}

// Written lists the files to write.
func Written(files []File) []session.File {
	var all []session.File
	for _, f := range files {
		all = append(all, f.File)
	}
	return all
}

// flag is the value of --secret. It names a file, never a variable: a variable is read once, a file anew for each step.
func (f File) flag() string { return f.userDefined().String() }

func (f File) userDefined() secret.UserDefined {
	return secret.UserDefined{ID: f.ID, Src: f.Path}
}

func userDefined(files []File) []secret.UserDefined {
	var all []secret.UserDefined
	for _, f := range files {
		all = append(all, f.userDefined())
	}
	return all
}
