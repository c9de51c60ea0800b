package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// kept is an item of the keychain that was written, or was about to be. It is saved before the item is written, and
// holds in clear what it had before, as a Lease does.
type kept struct {
	Account string
	Was     string   `json:",omitempty"` // empty: there was none
	Known   []string // fingerprints of what we wrote
}

// Store writes items into the person's keychain, and returns how many. End puts back what was there before.
func (s *Session) Store(ctx context.Context, items []envsync.Item) (stored int, err error) {
	if len(items) == 0 {
		return 0, nil
	}
	if s.env.Keychain == nil {
		return 0, errors.New("session: there is no keychain here")
	}
	unlock, err := s.lock(ctx, lockName)
	if err != nil {
		return 0, err
	}
	defer unlock()
	st, err := s.load()
	for _, item := range items {
		if err == nil {
			err = s.store(ctx, &st, item)
		}
		if err != nil {
			return stored, fmt.Errorf("keychain: %s: %w", item.Account, err)
		}
		stored++
	}
	return stored, nil
}

func (s *Session) store(ctx context.Context, st *state, item envsync.Item) error {
	was, found, err := s.env.Keychain.Get(ctx, envsync.KeychainService, item.Account)
	if err != nil {
		return err
	}
	s.env.Mask(was)
	at := slices.IndexFunc(st.Kept, func(k kept) bool { return k.Account == item.Account })
	if at < 0 {
		at = len(st.Kept)
		st.Kept = append(st.Kept, kept{Account: item.Account})
	}
	k := &st.Kept[at]
	if found && !slices.Contains(k.Known, was.Fingerprint()) { // theirs, perhaps newer than the one before ours
		k.Was = was.Reveal()
	}
	if sum := item.Secret.Fingerprint(); !slices.Contains(k.Known, sum) {
		k.Known = append(k.Known, sum)
	}
	if err := s.save(*st); err != nil {
		return err
	}
	return s.env.Keychain.Set(ctx, envsync.KeychainService, item.Account, item.Secret)
}

// takeBack puts back what an item of the keychain was before, unless another program has changed it since.
func (s *Session) takeBack(ctx context.Context, k kept) (how string, err error) {
	if s.env.Keychain == nil {
		return "", errors.New("there is no keychain here")
	}
	now, found, err := s.env.Keychain.Get(ctx, envsync.KeychainService, k.Account)
	switch {
	case err != nil:
		return "", err
	case !found:
		return "the keychain has nothing for " + k.Account + " any more", nil
	case !slices.Contains(k.Known, now.Fingerprint()):
		return "the keychain has another program's credential for " + k.Account + ", which stays", nil
	case k.Was != "":
		err = s.env.Keychain.Set(ctx, envsync.KeychainService, k.Account, regpass.NewSecret(k.Was))
		return "put back the credential for " + k.Account + " in your keychain", err
	}
	err = s.env.Keychain.Delete(ctx, envsync.KeychainService, k.Account)
	return "removed the credential for " + k.Account + " from your keychain", err
}
