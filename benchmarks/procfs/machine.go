package procfs

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// CPUTimes are times of all CPUs together, since the machine started.
type CPUTimes struct {
	Total time.Duration
	Steal time.Duration // for which the machine below ran others
}

// ReadCPUTimes looks at the CPUs.
func ReadCPUTimes() (CPUTimes, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return CPUTimes{}, fmt.Errorf("procfs: CPU times: %w", err)
	}
	return parseCPUTimes(string(text))
}

// parseCPUTimes reads the line "cpu user nice system idle iowait irq softirq steal guest guest_nice". Guests' time is part of user's.
func parseCPUTimes(text string) (CPUTimes, error) {
	line, _ := lineOf(text, "cpu ")
	fields := strings.Fields(line)
	if len(fields) < 8 {
		return CPUTimes{}, fmt.Errorf("procfs: /proc/stat: cpu line with %d times, expected at least 8", len(fields))
	}
	total, err := sumTicks(fields[:8])
	if err != nil {
		return CPUTimes{}, fmt.Errorf("procfs: /proc/stat: %w", err)
	}
	steal, err := sumTicks(fields[7:8])
	return CPUTimes{Total: total, Steal: steal}, err
}

// StealSince is the part of the time since the earlier look that went to others, 0 … 1.
func (t CPUTimes) StealSince(before CPUTimes) float64 {
	if t.Total <= before.Total {
		return 0
	}
	return float64(t.Steal-before.Steal) / float64(t.Total-before.Total)
}

// Machine says where something was measured.
type Machine struct {
	CPUs        int    `json:"cpus"`
	CPU         string `json:"cpu"`
	MemoryBytes int64  `json:"memoryBytes"`
	Kernel      string `json:"kernel"`
	FileSystem  string `json:"fileSystem"` // of the directory that was asked about, with its device and the device's kind
	Go          string `json:"go"`
}

// Describe looks at the machine, and at what keeps the files of a directory. What can't be found out stays empty.
func Describe(dir string) Machine {
	read := func(path string) string {
		b, _ := os.ReadFile(path)
		return strings.TrimSpace(string(b))
	}
	m := Machine{CPUs: runtime.NumCPU(), Kernel: read("/proc/sys/kernel/osrelease"), Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH}
	if line, ok := lineOf(read("/proc/cpuinfo"), "model name"); ok {
		m.CPU = strings.TrimSpace(strings.TrimPrefix(line, ":"))
	}
	if line, ok := lineOf(read("/proc/meminfo"), "MemTotal:"); ok {
		var kb int64
		if _, err := fmt.Sscan(line, &kb); err == nil {
			m.MemoryBytes = kb << 10
		}
	}
	var st syscall.Stat_t
	if err := syscall.Stat(dir, &st); err == nil {
		dev := uint64(st.Dev)
		m.FileSystem = describeMount(read("/proc/self/mountinfo"), fmt.Sprintf("%d:%d", dev>>8&0xfff, dev&0xff), func(device string) string {
			return read("/sys/class/block/" + device + "/queue/rotational")
		})
	}
	return m
}

// describeMount finds the mount of a device, given as major:minor, and says for example "ext4 on vda (rotational=1)".
func describeMount(mountinfo, number string, rotational func(device string) string) string {
	for line := range strings.Lines(mountinfo) {
		fields := strings.Fields(line)
		before, after, _ := strings.Cut(line, " - ")
		kind := strings.Fields(after)
		if len(fields) < 3 || fields[2] != number || len(kind) < 2 || before == line {
			continue
		}
		device := kind[1][strings.LastIndexByte(kind[1], '/')+1:]
		if r := rotational(device); r != "" {
			return fmt.Sprintf("%s on %s (rotational=%s)", kind[0], device, r)
		}
		return fmt.Sprintf("%s on %s", kind[0], device)
	}
	return ""
}
