// Command ceiling is what a broker can't beat on a machine: servers that only answer, the bare system calls, and loads on them. Its
// reports are those of `gantry bench`, so that they stand in a table beside the brokers'.
//
//	ceiling serve tcp         reads frames, answers each with twelve bytes: driven by `ceiling bench tcp`
//	ceiling serve remoting    answers sends over Remoting with queue offsets and stores nothing: driven by `gantry bench send`
//	  … -data DIR             the same, but writes each send to a file first, which it syncs every 500 ms
//	ceiling serve writev      writes 32 records at a time from a mapped file to whoever connects: driven by `ceiling bench writev`
//	  … -asked                the same, but every eighth record, and when a byte comes: a pull that takes nothing
//	ceiling bench fdatasync   one write and one fdatasync for all sends in flight, in a file whose blocks are allocated
//
// A server says `ready addr=HOST:PORT` and ends on SIGTERM.
package main

import (
	"flag"

	"github.com/gantry-mq/gantry/benchmarks/driver"
)

func main() {
	var ping pingLoad
	var disk diskLoad
	var pulled drainLoad
	driver.Main("ceiling", driver.Verbs{
		"serve tcp":      serveTCP,
		"serve remoting": serveRemoting,
		"serve writev":   serveWritev,
		"bench tcp": driver.Bench("tcp", ping.run, func(fs *flag.FlagSet) {
			fs.BoolVar(&ping.paced, "paced", false, "send at -rate instead of in a closed loop")
		}),
		"bench writev": driver.Bench("writev", pulled.run, func(fs *flag.FlagSet) {
			fs.BoolVar(&pulled.asked, "asked", false, "ask for each 32 records, of a server that wants to be asked")
		}),
		"bench fdatasync": driver.Bench("fdatasync", disk.run, func(fs *flag.FlagSet) {
			fs.StringVar(&disk.dir, "data", "", "`directory` for the file, on the disk that is to be measured")
		}),
	})
}
