//go:build unix

package child

import (
	"os"
	"syscall"
)

// forwarded are the signals that we pass on to the command.
var forwarded = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1,
	syscall.SIGUSR2, syscall.SIGWINCH}

// fromTerminal reports whether a terminal sends sig to its whole foreground process group.
func fromTerminal(sig os.Signal) bool {
	return sig == syscall.SIGINT || sig == syscall.SIGQUIT || sig == syscall.SIGWINCH
}

// exitCode is the command's own code, or the code that shells use for a command that a signal ended.
func exitCode(st *os.ProcessState) int {
	if ws, ok := st.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return Signaled + int(ws.Signal())
	}
	return st.ExitCode()
}
