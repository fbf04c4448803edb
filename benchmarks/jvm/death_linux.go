package jvm

import "syscall"

// diesWithUs has a child be killed when the thread that starts it ends.
func diesWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
