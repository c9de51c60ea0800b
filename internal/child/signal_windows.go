package child

import "os"

// forwarded are the signals that the command gets from us. On Windows a console gives its Ctrl-C to all its processes.
var forwarded = []os.Signal{os.Interrupt}

func fromTerminal(os.Signal) bool { return true }

func exitCode(st *os.ProcessState) int { return st.ExitCode() }
