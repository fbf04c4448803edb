// Package procfs reads what Linux tells of processes and of the machine, as far as measurements need it.
package procfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU times in /proc. It is part of Linux's interface to programs, whatever the kernel counts in.
const clockTick = 10 * time.Millisecond

// Process is a look at a process.
type Process struct {
	CPU          time.Duration // user and system time of all its threads
	RSSAnonBytes int64         // resident memory that belongs to no file
	// WrittenBytes is what it has caused to be written to a device. It is 0 where the kernel doesn't tell, or not to us.
	WrittenBytes int64
}

// ReadProcess looks at the process with that id.
func ReadProcess(pid int) (Process, error) {
	return readProcess(filepath.Join("/proc", strconv.Itoa(pid)))
}

// ReadSelf looks at the calling process.
func ReadSelf() (Process, error) { return readProcess("/proc/self") }

// readProcess reads dir, which is the process's directory in /proc.
func readProcess(dir string) (Process, error) {
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return Process{}, fmt.Errorf("procfs: CPU time: %w", err)
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return Process{}, fmt.Errorf("procfs: memory: %w", err)
	}
	var p Process
	if p.CPU, err = parseStat(string(stat)); err != nil {
		return Process{}, fmt.Errorf("procfs: %s/stat: %w", dir, err)
	}
	if p.RSSAnonBytes, err = parseRSSAnon(string(status)); err != nil {
		return Process{}, fmt.Errorf("procfs: %s/status: %w", dir, err)
	}
	if io, err := os.ReadFile(filepath.Join(dir, "io")); err == nil { // of other users' processes it can't be read
		if p.WrittenBytes, err = parseWritten(string(io)); err != nil {
			return Process{}, fmt.Errorf("procfs: %s/io: %w", dir, err)
		}
	}
	return p, nil
}

// parseStat adds utime and stime, the fields 14 and 15. The second field is the program's name in parentheses and may
// hold anything, so that counting starts behind the last one.
func parseStat(text string) (time.Duration, error) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("%d fields behind the name, expected at least 13", len(fields))
	}
	return sumTicks(fields[11:13])
}

func sumTicks(fields []string) (time.Duration, error) {
	var ticks int64
	for _, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * clockTick, nil
}

// parseRSSAnon finds the line "RssAnon:   123 kB".
func parseRSSAnon(text string) (int64, error) {
	value, _ := lineOf(text, "RssAnon:")
	number, isKB := strings.CutSuffix(value, " kB")
	if !isKB {
		return 0, fmt.Errorf("no line with RssAnon in kB")
	}
	kb, err := strconv.ParseInt(number, 10, 64)
	return kb << 10, err
}

// parseWritten takes from what was written what was removed before it reached the device.
func parseWritten(text string) (int64, error) {
	var n [2]int64
	for i, name := range []string{"write_bytes:", "cancelled_write_bytes:"} {
		value, ok := lineOf(text, name)
		if !ok {
			return 0, fmt.Errorf("no line %q", name)
		}
		var err error
		if n[i], err = strconv.ParseInt(value, 10, 64); err != nil {
			return 0, err
		}
	}
	return max(0, n[0]-n[1]), nil
}

// lineOf returns the rest of the line that begins with the name.
func lineOf(text, name string) (value string, ok bool) {
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, name); found {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}
