// Command kafka is Apache Kafka as a subject of the benchmarks: a server of one node from the published jars, and a load on it with the
// flags and the report of `gantry bench`.
//
//	kafka serve -data DIR [-flush async|sync] [-heap 1g]
//	kafka bench send|pull|latency [the flags of gantry bench]
//
// A topic's queues are its partitions. The load uses the franz-go client: Kafka's protocol leaves batching to clients.
package main

import (
	"github.com/gantry-mq/gantry/benchmarks/driver"
	"github.com/gantry-mq/gantry/benchmarks/generator"
)

func main() {
	driver.Main("kafka", driver.Verbs{
		"serve":         serve,
		"bench send":    driver.Bench(generator.ModeSend, send, nil),
		"bench pull":    driver.Bench(generator.ModePull, pull, nil),
		"bench latency": driver.Bench(generator.ModeLatency, latency, nil),
	})
}
