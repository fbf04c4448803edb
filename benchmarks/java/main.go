// Command java is RocketMQ's Java implementation as a subject of the benchmarks: a name server and a broker, each in a JVM of its own,
// from the published jars. `gantry bench` drives it.
//
//	java serve -data DIR [-flush async|sync] [-heap 1g]
//
// It says `ready addr=HOST:PORT namesrv=HOST:PORT pid=PID`, with the broker's address and process, and ends on SIGTERM, when both have
// stopped in order.
package main

import "github.com/gantry-mq/gantry/benchmarks/driver"

func main() {
	driver.Main("java", driver.Verbs{"serve": serve})
}
