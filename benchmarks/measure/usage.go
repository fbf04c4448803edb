package measure

import (
	"fmt"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/procfs"
)

// Usage measures the CPU time that a server and this process use between Begin and End. What can't be read stays nil.
type Usage struct {
	PID          int            // of the server, on this machine; 0: unknown
	ServerCPU    *time.Duration // between Begin and End
	ClientCPU    *time.Duration // of this process
	RSSAnonBytes *int64         // anonymous memory of the server at the end

	server, client *procfs.Process // at the beginning
}

// Check fails if there is a server whose process can't be looked at.
func (u *Usage) Check() error {
	if u.PID == 0 {
		return nil
	}
	if _, err := procfs.ReadProcess(u.PID); err != nil {
		return fmt.Errorf("measure: the server's process: %w", err)
	}
	return nil
}

// Begin notes what has been used so far.
func (u *Usage) Begin() { u.server, u.client = u.look() }

// End sets what has been used since.
func (u *Usage) End() {
	server, client := u.look()
	if server != nil && u.server != nil {
		d := server.CPU - u.server.CPU
		u.ServerCPU, u.RSSAnonBytes = &d, &server.RSSAnonBytes
	}
	if client != nil && u.client != nil {
		d := client.CPU - u.client.CPU
		u.ClientCPU = &d
	}
}

// RSSAnon is the server's anonymous memory now, in bytes, or nil.
func (u *Usage) RSSAnon() *int64 {
	if server, _ := u.look(); server != nil {
		return &server.RSSAnonBytes
	}
	return nil
}

func (u *Usage) look() (server, client *procfs.Process) {
	if u.PID != 0 {
		if p, err := procfs.ReadProcess(u.PID); err == nil {
			server = &p
		}
	}
	if p, err := procfs.ReadSelf(); err == nil {
		client = &p
	}
	return server, client
}
