package envsync

import "errors"

// setRaw is Set for a file that holds one secret as it is and nothing else, which is how a step of a container build
// is shown one. The file is always our own, so it is written anew.
func setRaw(_ []byte, entries []Entry) ([]byte, error) {
	if len(entries) != 1 {
		return nil, errors.New("raw: such a file holds one secret")
	}
	if entries[0].Cred.Secret.Empty() {
		return nil, errors.New("raw: there is no secret to write")
	}
	return []byte(entries[0].Cred.Secret.Reveal()), nil
}

// restoreRaw is Restore for such a file.
func restoreRaw(_, before []byte, _ []string) ([]byte, error) { return before, nil }

// rawKeys is Keys for such a file, which has none.
func rawKeys([]Entry) []string { return nil }
