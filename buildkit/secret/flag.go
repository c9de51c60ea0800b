package secret

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/regpass/regpass"
)

// UserDefined is a secret that the user names, as `docker buildx build --secret` takes it. At most one of Src and Env
// is set; with neither, the id is the name of a variable or a file.
type UserDefined struct {
	ID  string // printable ASCII without spaces
	Src string // file, read anew for each step
	Env string // variable
}

// ParseFlag reads the value of --secret: CSV of type=file|env, id=, src= or source=, env=. Errors are ErrUsage and show
// no value, since a user may write a secret where its name belongs.
func ParseFlag(text string) (UserDefined, error) {
	u, err := parseFlag(text)
	if err != nil {
		return UserDefined{}, regpass.Hintf(regpass.Usagef("--secret: %w", err),
			"write --secret id=ID,src=FILE or --secret id=ID,env=VARIABLE")
	}
	return u, nil
}

func parseFlag(text string) (UserDefined, error) {
	r := csv.NewReader(strings.NewReader(text))
	fields, err := r.Read()
	if err != nil {
		return UserDefined{}, errors.New("not a line of CSV")
	}
	if _, err := r.Read(); err != io.EOF {
		return UserDefined{}, errors.New("more than one line")
	}
	var u UserDefined
	kind, set := "", map[string]bool{}
	for _, f := range fields {
		name, value, ok := strings.Cut(f, "=")
		name = strings.ToLower(name)
		if name == "source" {
			name = "src"
		}
		to, known := map[string]*string{"type": &kind, "id": &u.ID, "src": &u.Src, "env": &u.Env}[name]
		switch {
		case !ok:
			return UserDefined{}, errors.New("a part of it is not key=value")
		case !known:
			return UserDefined{}, errors.New("its keys are type, id, src and env")
		case set[name]:
			return UserDefined{}, fmt.Errorf("%s is given twice", name)
		case value == "":
			return UserDefined{}, fmt.Errorf("%s is empty", name)
		case strings.ContainsAny(value, "\x00\r\n"):
			return UserDefined{}, fmt.Errorf("%s holds a line break or a NUL", name)
		}
		*to, set[name] = value, true
	}
	switch {
	case kind != "" && kind != "file" && kind != "env":
		return UserDefined{}, errors.New("type is neither file nor env")
	case u.ID == "":
		return UserDefined{}, errors.New("it has no id")
	case strings.ContainsFunc(u.ID, func(r rune) bool { return r <= ' ' || r > '~' }):
		return UserDefined{}, errors.New("its id holds something other than printable ASCII without spaces")
	case u.Src != "" && u.Env != "":
		return UserDefined{}, errors.New("it has both src and env")
	case kind == "file" && u.Env != "":
		return UserDefined{}, errors.New("it has type=file and env")
	case kind == "env" && u.Env == "": // as buildx reads it
		u.Env, u.Src = u.Src, ""
	}
	return u, nil
}

// String is the secret as ParseFlag reads it, and buildx, podman and buildah too.
func (u UserDefined) String() string {
	fields := []string{"id=" + u.ID}
	if u.Src != "" {
		fields = append(fields, "src="+u.Src)
	}
	if u.Env != "" {
		fields = append(fields, "env="+u.Env)
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(fields) // a strings.Builder takes everything
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}
