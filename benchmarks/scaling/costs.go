package main

import (
	"errors"
	"fmt"
	"time"
)

// costs are what a load took per message, in µs.
type costs struct {
	rate     float64 // messages per second
	batch    float64 // messages of an append
	cpu      float64 // of the process
	appended float64 // that the log's lock was held
	stored   float64 // to dispatch from memory
	read     float64 // to dispatch what has to be read back
	reread   float64 // fraction of the messages that were
	waited   float64 // for locks of the process, all goroutines together
	taken    time.Duration
}

// between are the costs of what happened between two readings.
func between(a, b reading) (costs, error) {
	diff := func(name string) float64 { return b.metrics[name] - a.metrics[name] }
	per := func(name string, n float64) float64 {
		if n == 0 {
			return 0
		}
		return 1e6 * diff(name) / n
	}
	n, appends := diff("gantry_log_messages_total"), diff("gantry_log_appends_total")
	if n <= 0 || appends <= 0 {
		return costs{}, errors.New("no message was appended meanwhile: is there a load, and is it a Gantry broker?")
	}
	stored, reread := diff("gantry_dispatched_messages_total:memory"), diff("gantry_dispatched_messages_total:log")
	c := costs{
		taken: b.at.Sub(a.at), batch: n / appends, cpu: 1e6 * (b.cpu - a.cpu).Seconds() / n, appended: per("gantry_log_append_seconds_total", n),
		stored: per("gantry_dispatch_seconds_total:memory", stored), read: per("gantry_dispatch_seconds_total:log", reread),
		reread: reread / max(1, stored+reread), waited: per("gantry_lock_wait_seconds_total", n),
	}
	c.rate = n / c.taken.Seconds()
	if c.parallel() <= 0 {
		return costs{}, fmt.Errorf("a message takes %.2f µs of CPU time, its append and dispatch %.2f µs: too much else runs on the machine", c.cpu, c.cpu-c.parallel())
	}
	return c, nil
}

// dispatched is what dispatch took per message.
func (c *costs) dispatched() float64 { return c.stored*(1-c.reread) + c.read*c.reread }

// parallel is the CPU time that any number of CPUs can share.
func (c *costs) parallel() float64 { return c.cpu - c.appended - c.dispatched() }

// model is the simulation of them. A kind of dispatch that didn't occur costs what the other does.
func (c *costs) model(cpus int) model {
	stored, read := c.stored, c.read
	if stored == 0 {
		stored = read
	}
	if read == 0 {
		read = stored
	}
	return model{
		cpus: cpus, connections: 4 * max(cpus, 4), batch: max(1, int(c.batch+0.5)),
		parallel: c.parallel(), appended: c.appended, stored: stored, read: read, handoff: 0.2, spin: 4, wake: 3,
	}
}
