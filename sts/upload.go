package sts

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/regpass/regpass"
)

// uploading authorizes an upload and returns the index, which has a folder, that it goes to.
func (s *Service) uploading(c *call) (*index, error) {
	workspace, registry := c.args[0], c.args[1]
	if err := s.authorize(c, Write, workspace, registry); err != nil {
		return nil, err
	}
	x := s.indexes[indexID{workspace, PyPI, registry}]
	if x == nil || x.folder == nil {
		return nil, notFound.with("the workspace has no such index, or it takes no uploads")
	}
	return x, x.folder.moved() // what is written to a folder that was moved is lost
}

// upload accepts a wheel or sdist (pypi/warehouse, docs/user/api/upload.md). It never replaces a file: the same content
// again is 200, as on PyPI, so that a retry after a lost response succeeds; other content is 409.
func (s *Service) upload(c *call) error {
	x, err := s.uploading(c)
	if err != nil {
		return err
	}
	f := x.folder
	if !s.uploads.enter(c.subject) {
		return unavailable.with("%d uploads of this key or policy are running", maxUploads)
	}
	defer s.uploads.leave(c.subject)
	c.extendDeadlines()
	in, err := s.receive(c, f)
	if in.temp != "" {
		defer func() { _ = f.root.Remove(in.temp) }() // the content is linked under its own name, or unwanted
	}
	if err != nil {
		return err
	}
	if in.temp == "" {
		return badRequest.with("the form has no file in the field content")
	}
	if err := s.fits(x, in, in.file); err != nil {
		return err
	}
	c.object = in.file
	f.placing.Lock()
	defer f.placing.Unlock()
	switch same, err := f.holds(in.file, in.sum); {
	case err != nil:
		return err
	case same:
		c.reason = "the file already exists"
		return c.json(map[string]any{"filename": in.file, "sha256": in.sum})
	}
	if err := f.place(in.temp, in.file); err != nil {
		return err
	}
	return c.json(map[string]any{"filename": in.file, "sha256": in.sum})
}

// validate tells a client whether an upload is needed (uv, crates/uv-publish/src/lib.rs, validate). The form is that of
// the upload with the field filename instead of the content.
func (s *Service) validate(c *call) error {
	x, err := s.uploading(c)
	if err != nil {
		return err
	}
	in, err := s.receive(c, nil)
	if err != nil {
		return err
	}
	if err := s.fits(x, in, in.filename); err != nil {
		return err
	}
	c.object = in.filename
	same, err := x.folder.holds(in.filename, in.fields.sha256)
	if err != nil {
		return err
	}
	return c.json(map[string]any{"exists": same})
}

var versionText = regpass.Pattern(`^[A-Za-z0-9][A-Za-z0-9._+!-]{0,127}$`)

// fits refuses a form that is wrong, and a project that is at home in another index.
func (s *Service) fits(x *index, in received, file string) error {
	if err := in.check(file); err != nil {
		return err
	}
	project, _, _ := parseFilename(file)
	return s.elsewhere(x, project)
}

// check refuses a form that contradicts itself or the file name.
func (in *received) check(file string) error {
	project, version, ok := parseFilename(file)
	kind := "sdist"
	if strings.HasSuffix(file, ".whl") {
		kind = "bdist_wheel"
	}
	switch {
	case !ok:
		return badRequest.with("the file name is not that of a wheel or sdist")
	case in.action != "" && in.action != "file_upload":
		return badRequest.with(":action is not file_upload")
	case len(in.name) > maxSegment, normal(in.name) != project:
		return badRequest.with("the field name does not match the project in the file name")
	case !versionText().MatchString(in.version):
		return badRequest.with("the field version is missing or invalid")
	case !sameVersion(in.version, version):
		return badRequest.with("the field version, %s, does not match the version in the file name, %s", in.version, version)
	case in.filetype != "" && in.filetype != kind:
		return badRequest.with("the field filetype is not %s", kind)
	case in.sha256 != "" && !sha256Hex().MatchString(in.sha256):
		return badRequest.with("the field sha256_digest is not 64 hex digits")
	case in.temp != "" && in.sha256 != "" && subtle.ConstantTimeCompare([]byte(in.sha256), []byte(in.sum)) != 1:
		return badRequest.with("the content does not match the form's sha256_digest")
	}
	return nil
}

// holds reports whether the folder has a file of this name with this content; an empty sum matches any content. A file
// of the same canonical name that is not the same file is a conflict.
func (f *folder) holds(file, sum string) (bool, error) {
	project, _, _ := parseFilename(file)
	f.stale()
	listed, err := f.files(project)
	if err != nil {
		return false, err
	}
	for _, have := range listed {
		switch {
		case canonical(have.name) != canonical(file):
		case have.name == file && (sum == "" || have.sha256 == sum):
			return true, nil
		default:
			return false, conflict.with("%s exists with other content; a release is never replaced", have.name)
		}
	}
	return false, nil
}

// place publishes a finished file under its name. It links, because a rename would replace an existing file.
func (f *folder) place(temp, file string) error {
	err := f.root.Link(temp, file)
	if errors.Is(err, fs.ErrExist) {
		return conflict.with("%s already exists; a release is never replaced", file)
	}
	if err != nil {
		return fmt.Errorf("sts: upload: %w", err)
	}
	f.stale()
	dir, err := f.root.Open(".")
	if err != nil {
		return fmt.Errorf("sts: upload: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("sts: upload: %w", err)
	}
	return nil
}
