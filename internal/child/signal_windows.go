package child

import "os"

// forwarded are the signals that we pass on to the command. On Windows a console sends Ctrl-C to all its processes.
var forwarded = []os.Signal{os.Interrupt}

func fromTerminal(os.Signal) bool { return true }

func exitCode(st *os.ProcessState) int { return st.ExitCode() }
