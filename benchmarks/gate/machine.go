package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// ticks are the processor time of the machine since it started, in all and what a hypervisor has taken away; zero where the system doesn't tell.
func ticks() (all, stolen int64) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	for i, f := range strings.Fields(line) {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil || i > 8 { // what guests have used is in user, too
			continue
		}
		all += n
		if i == 8 {
			stolen = n
		}
	}
	return all, stolen
}

// watchMachine returns a function that says, for people, what machine this is and how much of it was stolen since.
func watchMachine() func() string {
	all, stolen := ticks()
	return func() string {
		what := fmt.Sprintf("%s, %s/%s, %d processors", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
		if a, s := ticks(); a > all {
			what += fmt.Sprintf(", %.1f %% steal", 100*float64(s-stolen)/float64(a-all))
		}
		if load, err := os.ReadFile("/proc/loadavg"); err == nil {
			if f := strings.Fields(string(load)); len(f) > 0 {
				what += ", load " + f[0]
			}
		}
		return what + "."
	}
}
