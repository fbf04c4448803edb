package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// allocate reserves blocks for the first n bytes.
func allocate(f *os.File, n int64) error { return unix.Fallocate(int(f.Fd()), 0, 0, n) }

func dataSync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }
