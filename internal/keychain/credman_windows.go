package keychain

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/regpass/regpass"
)

// New returns the keychain of the system.
func New(func(string) string) regpass.Keychain { return bounded{credman{}} }

type credman struct{}

// credential is CREDENTIALW (https://learn.microsoft.com/windows/win32/api/wincred/ns-wincred-credentialw).
type credential struct {
	Flags, Type         uint32
	TargetName, Comment *uint16
	LastWritten         syscall.Filetime
	BlobSize            uint32
	Blob                *byte
	Persist, Attributes uint32
	AttributesAt        uintptr
	TargetAlias, User   *uint16
}

const (
	credGeneric    = 1
	credEnterprise = 3 // CRED_PERSIST_ENTERPRISE, as rattler's library
	credNotFound   = syscall.Errno(1168)
)

func credCall(name string, args ...uintptr) error {
	ok, _, err := syscall.NewLazyDLL("advapi32.dll").NewProc(name).Call(args...)
	if ok != 0 {
		return nil
	}
	return err
}

func (credman) Get(_ context.Context, service, account string) (regpass.Secret, bool, error) {
	name, err := syscall.UTF16PtrFromString(target(service, account))
	if err != nil {
		return regpass.Secret{}, false, errors.New("the name of the account cannot be one of Windows'")
	}
	var is *credential
	err = credCall("CredReadW", uintptr(unsafe.Pointer(name)), credGeneric, 0, uintptr(unsafe.Pointer(&is)))
	runtime.KeepAlive(name)
	if errors.Is(err, credNotFound) {
		return regpass.Secret{}, false, nil
	}
	if err != nil {
		return regpass.Secret{}, false, fmt.Errorf("CredReadW: %w", err)
	}
	defer func() {
		_, _, _ = syscall.NewLazyDLL("advapi32.dll").NewProc("CredFree").Call(uintptr(unsafe.Pointer(is)))
	}()
	secret, err := secretOf(unsafe.Slice(is.Blob, is.BlobSize))
	return secret, err == nil, err
}

func (credman) Set(_ context.Context, service, account string, secret regpass.Secret) error {
	name, err := syscall.UTF16PtrFromString(target(service, account))
	if err != nil {
		return errors.New("the name of the account cannot be one of Windows'")
	}
	user, err := syscall.UTF16PtrFromString(account)
	if err != nil {
		return errors.New("the name of the account cannot be one of Windows'")
	}
	blob, err := blobOf(secret)
	if err != nil {
		return err
	}
	c := credential{Type: credGeneric, TargetName: name, User: user, Persist: credEnterprise,
		BlobSize: uint32(len(blob)), Blob: unsafe.SliceData(blob)}
	err = credCall("CredWriteW", uintptr(unsafe.Pointer(&c)), 0)
	runtime.KeepAlive(&c)
	if err != nil {
		return fmt.Errorf("CredWriteW: %w", err)
	}
	return nil
}

func (credman) Delete(_ context.Context, service, account string) error {
	name, err := syscall.UTF16PtrFromString(target(service, account))
	if err != nil {
		return errors.New("the name of the account cannot be one of Windows'")
	}
	err = credCall("CredDeleteW", uintptr(unsafe.Pointer(name)), credGeneric, 0)
	runtime.KeepAlive(name)
	if err != nil && !errors.Is(err, credNotFound) {
		return fmt.Errorf("CredDeleteW: %w", err)
	}
	return nil
}
