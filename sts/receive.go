package sts

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strings"

	"github.com/regpass/regpass"
)

// Limits on an upload's form. uv and twine send every line of the metadata as a field, and a description may be long.
const (
	maxFields = 4 << 20 // bytes, all fields together
	maxParts  = 4096
)

// fields are the form fields that matter, as uv (crates/uv-publish/src/lib.rs, form_metadata) and twine send them.
type fields struct {
	action, name, version, filetype, sha256, filename string
}

// received is an upload that is not in the index yet.
type received struct {
	fields
	file string // file name in the form
	temp string // temporary name in the folder; empty: the form had no content
	sum  string // SHA-256 in hex
	size int64
}

// receive reads the form. It writes the content to a file in f under a name that is not served; if f is nil the form
// must have no content.
func (s *Service) receive(c *call, f *folder) (in received, err error) {
	limit := int64(s.cfg.MaxUpload) + maxFields
	if c.r.ContentLength > limit {
		return in, tooLarge.with("the form is longer than %d bytes", limit)
	}
	body := http.MaxBytesReader(c.w, c.r.Body, limit)
	kind, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return in, badRequest.with("not a multipart form")
	}
	form := multipart.NewReader(body, params["boundary"])
	left := int64(maxFields)
	for range maxParts {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			return in, nil
		}
		if err != nil {
			return in, formError(err)
		}
		if part.FormName() == "content" {
			if in.temp != "" || f == nil {
				return in, badRequest.with("the form has unexpected content")
			}
			if err := in.store(part, f, int64(s.cfg.MaxUpload)); err != nil {
				return in, err
			}
			continue
		}
		text, err := regpass.ReadAll(part, left)
		if errors.Is(err, regpass.ErrTooLong) {
			return in, tooLarge.with("the fields of the form are longer than %d bytes", maxFields)
		}
		if err != nil {
			return in, formError(err)
		}
		left -= int64(len(text))
		if !in.set(part.FormName(), string(text)) {
			return in, badRequest.with("the form has the field %s twice", regpass.Quote(part.FormName()))
		}
	}
	return in, badRequest.with("the form has more than %d parts", maxParts)
}

// formError distinguishes a form that is too long from a malformed one.
func formError(err error) error {
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return tooLarge.with("the form is longer than %d bytes", long.Limit)
	}
	return badRequest.with("the form is malformed or incomplete")
}

// set keeps a field that matters. It returns false if the form had it before: of two, one reader takes the first and
// another the last.
func (in *fields) set(field, value string) bool {
	into := map[string]*string{":action": &in.action, "name": &in.name, "version": &in.version,
		"filetype": &in.filetype, "sha256_digest": &in.sha256, "filename": &in.filename}[field]
	if into == nil {
		return true
	}
	if *into != "" {
		return false
	}
	if *into = value; field == "sha256_digest" {
		*into = strings.ToLower(value)
	}
	return true
}

// store writes the content to a new file in f.
func (in *received) store(part *multipart.Part, f *folder, limit int64) (err error) {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return badRequest.with("the form is malformed")
	}
	in.file = params["filename"] // unchanged: Part.FileName would turn ../x into x
	in.temp = uploadPrefix + rand.Text()
	out, err := f.root.OpenFile(in.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return fmt.Errorf("sts: upload: %w", err)
	}
	defer func() {
		if closed := out.Close(); err == nil && closed != nil {
			err = fmt.Errorf("sts: upload: %w", closed)
		}
	}()
	h := sha256.New()
	in.size, err = io.Copy(writer{out, h}, io.LimitReader(part, limit+1))
	var disk *fs.PathError
	switch {
	case errors.As(err, &disk):
		return fmt.Errorf("sts: upload: %w", err)
	case err != nil:
		return formError(err)
	case in.size > limit:
		return tooLarge.with("the file is longer than %d bytes", limit)
	}
	in.sum = hex.EncodeToString(h.Sum(nil))
	return out.Sync()
}

// writer writes to a file and a hash.
type writer struct {
	file *os.File
	hash hash.Hash
}

func (w writer) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	_, _ = w.hash.Write(p[:n]) // never fails
	return n, err
}
