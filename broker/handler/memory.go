package handler

import (
	"os"
	"strconv"
	"strings"

	"github.com/gantry-mq/gantry/broker/consume"
)

// limits are those of one pull.
func (h *Handler) limits() consume.Limits {
	c := h.Config.Load()
	return consume.Limits{
		Messages: int(min(c.MaxPullMessages, c.MaxPullBatch)), Bytes: int(c.MaxPullBytes),
		ColdMessages: int(c.MaxPullMessagesDisk), ColdBytes: int(c.MaxPullBytesOnDisk), HotBytes: h.hotBytes,
	}
}

// hotBytes is how far back from its end the log is taken to be in memory: 40 % of what this process may use, by
// the cgroup's limit where there is one.
func hotBytes() int64 { return memory() / 100 * 40 }

// memory is the memory in bytes that the process may use; a guess of 4 GiB where the system doesn't say.
func memory() int64 {
	total := int64(4 << 30)
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) >= 2 && f[0] == "MemTotal:" {
				if kib, err := strconv.ParseInt(f[1], 10, 64); err == nil {
					total = kib << 10
				}
			}
		}
	}
	if b, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil {
			total = min(total, limit)
		}
	}
	return total
}
