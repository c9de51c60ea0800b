//go:build !windows && !darwin

package keychain

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/regpass/regpass"
)

// New returns the keychain of the system: the Secret Service on the session's D-Bus
// (https://specifications.freedesktop.org/secret-service/latest/), which GNOME, KDE and KeePassXC provide.
func New(getenv func(string) string) regpass.Keychain { return bounded{secretService{getenv}} }

type secretService struct{ getenv func(string) string }

// The names of the specification.
const (
	ssName       = "org.freedesktop.secrets"
	ssPath       = dbus.ObjectPath("/org/freedesktop/secrets")
	ssLogin      = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	ssService    = "org.freedesktop.Secret.Service."
	ssCollection = "org.freedesktop.Secret.Collection."
	ssItem       = "org.freedesktop.Secret.Item."
	ssNone       = dbus.ObjectPath("/")
)

// ssSecret is the structure Secret: (oayays).
type ssSecret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

// bus is the address of the session's D-Bus. None is started: a bus of our own would have no keychain.
func (s secretService) bus() (string, error) {
	if address := s.getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" {
		if !strings.HasPrefix(address, "unix:") {
			return "", errors.New("DBUS_SESSION_BUS_ADDRESS is no socket of this machine")
		}
		return address, nil
	}
	if dir := s.getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return "unix:path=" + filepath.Join(dir, "bus"), nil
	}
	return "", errors.New("there is no D-Bus session, as there is none without a desktop")
}

// with opens a session for plain secrets, which only the socket of this machine carries, for one call.
func (s secretService) with(ctx context.Context, do func(conn *dbus.Conn, session dbus.ObjectPath) error) error {
	address, err := s.bus()
	if err != nil {
		return err
	}
	conn, err := dbus.Dial(address, dbus.WithContext(ctx))
	if err != nil {
		return errors.New("the D-Bus session does not answer")
	}
	defer conn.Close()
	if err := conn.Auth(nil); err != nil {
		return errors.New("the D-Bus session lets us not in")
	}
	if err := conn.Hello(); err != nil {
		return errors.New("the D-Bus session lets us not in")
	}
	var output dbus.Variant
	var session dbus.ObjectPath
	err = conn.Object(ssName, ssPath).CallWithContext(ctx, ssService+"OpenSession", 0, "plain", dbus.MakeVariant("")).
		Store(&output, &session)
	if err != nil {
		return fmt.Errorf("no Secret Service answers on the D-Bus session: %w", reason(err))
	}
	return do(conn, session)
}

// reason is a D-Bus error by its name: its text may be anything.
func reason(err error) error {
	var e dbus.Error
	if errors.As(err, &e) {
		if strings.HasSuffix(e.Name, ".IsLocked") {
			return errLocked
		}
		return errors.New(regpass.Quote(e.Name))
	}
	return errors.New("the answer is not what the Secret Service promises")
}

func attributes(service, account string) map[string]string {
	return map[string]string{"service": service, "username": account}
}

// item finds the item; empty: there is none. One that is locked and needs a person to unlock it is an error.
func (s secretService) item(ctx context.Context, conn *dbus.Conn, service, account string) (dbus.ObjectPath, error) {
	var unlocked, locked []dbus.ObjectPath
	root := conn.Object(ssName, ssPath)
	err := root.CallWithContext(ctx, ssService+"SearchItems", 0, attributes(service, account)).Store(&unlocked, &locked)
	switch {
	case err != nil:
		return "", reason(err)
	case len(unlocked) > 0:
		return unlocked[0], nil
	case len(locked) > 0:
		return locked[0], unlock(ctx, conn, locked[0])
	}
	return "", nil
}

// unlock unlocks an item or a collection without a person, or not at all.
func unlock(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath) error {
	var done []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err := conn.Object(ssName, ssPath).CallWithContext(ctx, ssService+"Unlock", 0, []dbus.ObjectPath{path}).
		Store(&done, &prompt)
	switch {
	case err != nil:
		return reason(err)
	case len(done) == 0 || prompt != ssNone:
		return errLocked
	}
	return nil
}

func (s secretService) Get(ctx context.Context, service, account string) (
	secret regpass.Secret, found bool, err error) {
	err = s.with(ctx, func(conn *dbus.Conn, session dbus.ObjectPath) error {
		path, err := s.item(ctx, conn, service, account)
		if err != nil || path == "" {
			return err
		}
		var is ssSecret
		if err := conn.Object(ssName, path).CallWithContext(ctx, ssItem+"GetSecret", 0, session).Store(&is); err != nil {
			return reason(err)
		}
		if len(is.Value) > maxSecret {
			return errLong
		}
		secret, found = regpass.NewSecret(string(is.Value)), true
		return nil
	})
	return secret, found, err
}

func (s secretService) Set(ctx context.Context, service, account string, secret regpass.Secret) error {
	return s.with(ctx, func(conn *dbus.Conn, session dbus.ObjectPath) error {
		value := ssSecret{Session: session, Parameters: []byte{}, Value: []byte(secret.Reveal()), ContentType: "text/plain"}
		path, err := s.item(ctx, conn, service, account)
		if err != nil {
			return err
		}
		if path != "" { // another program's item keeps its label and its further attributes
			err := conn.Object(ssName, path).CallWithContext(ctx, ssItem+"SetSecret", 0, value).Err
			if err != nil {
				return reason(err)
			}
			return nil
		}
		collection := ssNone
		_ = conn.Object(ssName, ssPath).CallWithContext(ctx, ssService+"ReadAlias", 0, "default").Store(&collection)
		if collection == ssNone {
			collection = ssLogin
		}
		if err := unlock(ctx, conn, collection); err != nil {
			return err
		}
		var item, prompt dbus.ObjectPath
		err = conn.Object(ssName, collection).CallWithContext(ctx, ssCollection+"CreateItem", 0, map[string]dbus.Variant{
			ssItem + "Label":      dbus.MakeVariant("regpass: " + account),
			ssItem + "Attributes": dbus.MakeVariant(attributes(service, account)),
		}, value, true).Store(&item, &prompt)
		if err == nil && prompt != ssNone {
			return errLocked
		}
		if err != nil {
			return reason(err)
		}
		return nil
	})
}

func (s secretService) Delete(ctx context.Context, service, account string) error {
	return s.with(ctx, func(conn *dbus.Conn, _ dbus.ObjectPath) error {
		path, err := s.item(ctx, conn, service, account)
		if err != nil || path == "" {
			return err
		}
		var prompt dbus.ObjectPath
		err = conn.Object(ssName, path).CallWithContext(ctx, ssItem+"Delete", 0).Store(&prompt)
		if err == nil && prompt != ssNone {
			return errLocked
		}
		if err != nil {
			return reason(err)
		}
		return nil
	})
}
