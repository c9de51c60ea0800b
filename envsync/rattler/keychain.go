package rattler

import (
	"fmt"

	"github.com/regpass/regpass"
	"github.com/regpass/regpass/envsync"
)

// Keychain is what rattler reads from the keychain: an item for each host, with the JSON that its file has there. Of
// the format only Set and Keys are used, to tell what it carries.
var Keychain = envsync.Format{Name: "keychain", NoPorts: true, Set: exact.set, Restore: restore, Keys: exact.keys}

// PlanKeychain plans the items of the keychain.
func PlanKeychain(_ *regpass.Env, _ envsync.Private, entries []envsync.Entry, o envsync.Options) (envsync.Plan, error) {
	rule := keyRule{wildcard: o.Wildcard}
	if _, err := rule.set(nil, entries); err != nil {
		return envsync.Plan{}, err
	}
	var p envsync.Plan
	for _, e := range entries {
		raw, err := authentication(e.Cred)
		if err != nil {
			return envsync.Plan{}, fmt.Errorf("keychain: %s: %w", e.Ref, err)
		}
		keys, err := rule.keysFor(e)
		if err != nil {
			return envsync.Plan{}, fmt.Errorf("keychain: %w", err)
		}
		for _, key := range keys {
			p.Items = append(p.Items, envsync.Item{Account: key, Secret: regpass.NewSecret(string(raw))})
		}
	}
	return p, nil
}
