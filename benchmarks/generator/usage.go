package generator

import (
	"time"

	"github.com/gantry-mq/gantry/benchmarks/procfs"
)

// usage measures the CPU time that the broker and this process use between begin and end. What can't be read stays nil.
type usage struct {
	pid            int // of the broker; 0: unknown
	server, client *procfs.Process
	serverCPU      *time.Duration
	clientCPU      *time.Duration
	rssAnonBytes   *int64 // of the broker at the end
}

func (u *usage) begin() { u.server, u.client = u.look() }

func (u *usage) end() {
	server, client := u.look()
	if server != nil && u.server != nil {
		d := server.CPU - u.server.CPU
		u.serverCPU, u.rssAnonBytes = &d, &server.RSSAnonBytes
	}
	if client != nil && u.client != nil {
		d := client.CPU - u.client.CPU
		u.clientCPU = &d
	}
}

// rssAnon is the broker's anonymous memory now, or nil.
func (u *usage) rssAnon() *int64 {
	if server, _ := u.look(); server != nil {
		return &server.RSSAnonBytes
	}
	return nil
}

func (u *usage) look() (server, client *procfs.Process) {
	if u.pid != 0 {
		if p, err := procfs.ReadProcess(u.pid); err == nil {
			server = &p
		}
	}
	if p, err := procfs.ReadSelf(); err == nil {
		client = &p
	}
	return server, client
}
