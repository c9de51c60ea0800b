package sts

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/regpass/regpass"
)

// maxKeyFile is the largest key file that is read, in bytes: that of an RSA key has a few thousand.
const maxKeyFile = 64 << 10

// signingKey reads the private key at path, or makes one if the file is missing.
func signingKey(path string) (crypto.Signer, error) {
	if path == "" {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("serve: signing key %s: %w", path, err)
	}
	return key, nil
}

// readKey refuses a key that is not this user's or root's or that anyone else could have read, and a path that is a
// link.
func readKey(path string) (crypto.Signer, error) {
	named, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	opened, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(named, opened) {
		return nil, errors.New("changed while it was opened")
	}
	if runtime.GOOS != "windows" && opened.Mode().Perm()&0o077 != 0 {
		return nil, regpass.Hintf(fmt.Errorf("group or others have access (mode %04o)", opened.Mode().Perm()),
			"remove the file to have a new key made, or run chmod 600 on it if nobody else can have read it")
	}
	if !regpass.OwnedByUsOrRoot(opened) {
		return nil, regpass.Hintf(errors.New("it belongs to another user, who knows the key"),
			"remove the file to have a new key made, or run chown on it if nobody else can have read it")
	}
	text, err := regpass.ReadAll(f, maxKeyFile)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("not a PEM file with a PRIVATE KEY (PKCS #8)")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("not a PKCS #8 private key")
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, errors.New("not a signing key")
	}
	return key, nil
}

// makeKey writes a new Ed25519 key to a file that must not exist yet.
func makeKey(path string) (crypto.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	err = pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return key, errors.Join(err, f.Sync(), f.Close())
}
