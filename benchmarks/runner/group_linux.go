package runner

import "syscall"

// ownGroup makes a process lead a group, so that a terminal's Ctrl-C reaches only the runner, and its children can be ended with it.
// It doesn't outlive the runner.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
