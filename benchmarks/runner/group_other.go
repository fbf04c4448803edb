//go:build !linux

package runner

import "syscall"

// ownGroup makes a process lead a group, so that a terminal's Ctrl-C reaches only the runner, and its children can be ended with it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
