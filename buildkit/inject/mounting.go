package inject

import (
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/solver/pb"

	"github.com/regpass/regpass/buildkit/secret"
)

// mounting adds secrets to one RUN step.
type mounting struct {
	exec *pb.ExecOp
	caps map[string]bool // further capabilities that the step needs
}

// alreadyMounted is the reason why a secret that the Dockerfile mounts itself is not added.
const alreadyMounted = "the step mounts it"

// add gives the step one secret, or returns the reason why not. The step fails if the secret is missing.
func (m *mounting) add(s secret.Secret) (why string) {
	name := s.Env
	if name == "" {
		name = s.Var
	}
	switch {
	case m.mounts(s):
		return alreadyMounted
	case m.sets(name):
		return "the step has a " + name + " of its own"
	}
	if s.Env != "" {
		m.exec.Secretenv = append(m.exec.Secretenv, &pb.SecretEnv{ID: s.ID, Name: s.Env})
		m.caps[string(pb.CapExecSecretEnv)] = true
		return ""
	}
	if s.Dir != "" {
		m.exec.Mounts = append(m.exec.Mounts,
			&pb.Mount{Input: int64(pb.Empty), Output: int64(pb.SkipOutput), Dest: s.Dir, MountType: pb.MountType_TMPFS,
				TmpfsOpt: &pb.TmpfsOpt{}})
		m.caps[string(pb.CapExecMountTmpfs)] = true
	}
	uid, gid, mode := owner(m.exec.Meta.User)
	m.exec.Mounts = append(m.exec.Mounts, &pb.Mount{
		Input: int64(pb.Empty), Dest: s.Target, MountType: pb.MountType_SECRET,
		SecretOpt: &pb.SecretOpt{ID: s.ID, Uid: uid, Gid: gid, Mode: mode},
	})
	m.exec.Meta.Env = append(m.exec.Meta.Env, s.Var+"="+s.Points())
	m.caps[string(pb.CapExecMountSecret)] = true
	return ""
}

// mounts reports whether the step has the secret, or another in its place.
func (m *mounting) mounts(s secret.Secret) bool {
	return slices.ContainsFunc(m.exec.Secretenv,
		func(e *pb.SecretEnv) bool { return e.ID == s.ID || s.Env != "" && e.Name == s.Env }) ||
		slices.ContainsFunc(m.exec.Mounts, func(x *pb.Mount) bool {
			return x.SecretOpt.GetID() == s.ID || s.Target != "" && (x.Dest == s.Target || s.Dir != "" && x.Dest == s.Dir)
		})
}

// sets reports whether ENV, ARG, the base image or another secret sets the variable; an empty one is not set.
func (m *mounting) sets(name string) bool {
	return slices.ContainsFunc(m.exec.Meta.Env, func(kv string) bool {
		n, value, _ := strings.Cut(kv, "=")
		return n == name && value != ""
	}) || slices.ContainsFunc(m.exec.Secretenv, func(e *pb.SecretEnv) bool { return e.Name == name })
}

// owner returns the owner and the mode of a secret file in a step of that USER. Only the image knows the number of a
// user's name, so for a name the file is open to all in the step; the mount ends with the step.
func owner(user string) (uid, gid, mode uint32) {
	u, g, _ := strings.Cut(user, ":")
	if u == "" || u == "root" {
		u = "0"
	}
	id, err := strconv.ParseUint(u, 10, 32)
	if err != nil {
		return 0, 0, 0o444
	}
	group, err := strconv.ParseUint(g, 10, 32)
	if err != nil {
		group = 0
	}
	return uint32(id), uint32(group), 0o400
}
