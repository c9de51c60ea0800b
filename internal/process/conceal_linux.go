package process

import "syscall"

// conceal keeps our memory and our variables, where keys are, from other processes of the same user, such as the
// command that exec runs: /proc/PID/environ and mem, ptrace and core dumps (prctl(2), PR_SET_DUMPABLE; proc(5)). Root
// can still read them. A command that we start is an ordinary process again, since execve resets the flag.
func conceal() {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0) // it has no error to report here
}
