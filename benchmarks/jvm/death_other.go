//go:build !linux

package jvm

import "syscall"

// diesWithUs can't be had here: a child outlives a process that is killed.
func diesWithUs() *syscall.SysProcAttr { return nil }
