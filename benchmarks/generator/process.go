package generator

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

// process is a look at a process as /proc shows it.
type process struct {
	cpu          time.Duration // user and system time of all its threads
	rssAnonBytes int64         // resident memory that belongs to no file
}

func procDir(pid int) string { return filepath.Join("/proc", strconv.Itoa(pid)) }

// readProcess reads dir, which is the process's directory in /proc.
func readProcess(dir string) (process, error) {
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return process{}, fmt.Errorf("generator: CPU time: %w", err)
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return process{}, fmt.Errorf("generator: memory: %w", err)
	}
	var p process
	if p.cpu, err = parseStat(string(stat)); err != nil {
		return process{}, fmt.Errorf("generator: %s/stat: %w", dir, err)
	}
	if p.rssAnonBytes, err = parseRSSAnon(string(status)); err != nil {
		return process{}, fmt.Errorf("generator: %s/status: %w", dir, err)
	}
	return p, nil
}

// parseStat adds utime and stime, the fields 14 and 15. The second field is the program's name in parentheses and may
// hold anything, so that counting starts behind the last one.
func parseStat(text string) (time.Duration, error) {
	_, after, _ := cutLast(text, ")")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("%d fields behind the name, expected at least 13", len(fields))
	}
	var ticks int64
	for _, f := range fields[11:13] {
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
	_, after, found := strings.Cut(text, "\nRssAnon:")
	line, _, _ := strings.Cut(after, "\n")
	number, isKB := strings.CutSuffix(strings.TrimSpace(line), " kB")
	if !found || !isKB {
		return 0, fmt.Errorf("no line with RssAnon in kB")
	}
	kb, err := strconv.ParseInt(number, 10, 64)
	return kb << 10, err
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// usage measures the CPU time that the broker and this process use between begin and end. What can't be read stays nil.
type usage struct {
	pid            int // of the broker; 0: unknown
	server, client *process
	serverCPU      *time.Duration
	clientCPU      *time.Duration
	rssAnonBytes   *int64 // of the broker at the end
}

func (u *usage) begin() { u.server, u.client = u.look() }

func (u *usage) end() {
	server, client := u.look()
	if server != nil && u.server != nil {
		d := server.cpu - u.server.cpu
		u.serverCPU, u.rssAnonBytes = &d, &server.rssAnonBytes
	}
	if client != nil && u.client != nil {
		d := client.cpu - u.client.cpu
		u.clientCPU = &d
	}
}

// rssAnon is the broker's anonymous memory now, or nil.
func (u *usage) rssAnon() *int64 {
	if server, _ := u.look(); server != nil {
		return &server.rssAnonBytes
	}
	return nil
}

func (u *usage) look() (server, client *process) {
	if u.pid != 0 {
		if p, err := readProcess(procDir(u.pid)); err == nil {
			server = &p
		}
	}
	if p, err := readProcess("/proc/self"); err == nil {
		client = &p
	}
	return server, client
}
