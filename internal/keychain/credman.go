package keychain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"

	"github.com/regpass/regpass"
)

// Windows' Credential Manager holds a secret under a target, of which rattler's library makes its own, in UTF-16LE. It
// was not run by us.

// maxBlob is CRED_MAX_CREDENTIAL_BLOB_SIZE in bytes (https://learn.microsoft.com/windows/win32/api/wincred/).
const maxBlob = 5 * 512

// target is the name of a credential.
func target(service, account string) string { return account + "." + service }

// blobOf is a secret as the Credential Manager holds it.
func blobOf(secret regpass.Secret) ([]byte, error) {
	var blob []byte
	for _, unit := range utf16.Encode([]rune(secret.Reveal())) {
		blob = binary.LittleEndian.AppendUint16(blob, unit)
	}
	if len(blob) > maxBlob {
		return nil, fmt.Errorf("the credential has %d characters, and Windows' Credential Manager holds %d",
			len(blob)/2, maxBlob/2)
	}
	return blob, nil
}

// secretOf is the reverse of blobOf.
func secretOf(blob []byte) (regpass.Secret, error) {
	if len(blob)%2 != 0 {
		return regpass.Secret{}, errors.New("what it holds is not UTF-16")
	}
	units := make([]uint16, len(blob)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(blob[2*i:])
	}
	return regpass.NewSecret(string(utf16.Decode(units))), nil
}
