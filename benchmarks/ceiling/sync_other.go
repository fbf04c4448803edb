//go:build !linux

package main

import "os"

func allocate(f *os.File, n int64) error { return f.Truncate(n) }

func dataSync(f *os.File) error { return f.Sync() }
