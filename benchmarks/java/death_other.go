//go:build !linux

package main

import "syscall"

// diesWithUs can't be had here: a child outlives a process that is killed.
func diesWithUs() *syscall.SysProcAttr { return nil }
