// Command jetstream is NATS JetStream as a subject of the benchmarks: the server, embedded, and a load on it with the flags, the checks
// and the report of `gantry bench`.
//
//	jetstream serve -data DIR [-sync always] [-addr HOST:PORT]
//	jetstream bench send|pull|latency|topics [-streams N] [the flags of gantry bench]
//
// A topic is a subject tree, TOPIC.0 … TOPIC.N-1 for its N queues, that one stream holds, or -streams of them, among which the queues
// are dealt out. Streams are in files and have one replica.
//
// The load speaks NATS by itself, with as little work as the generator of Remoting does, so that on one machine the server gets the
// CPU; streams and consumers are made by the official client.
package main

import (
	"context"
	"flag"

	"github.com/gantry-mq/gantry/benchmarks/driver"
	"github.com/gantry-mq/gantry/benchmarks/generator"
)

func main() {
	b := bench{}
	verbs := driver.Verbs{"serve": serve}
	for mode, load := range map[string]func(*bench, context.Context, *generator.Options) (*generator.Report, error){
		generator.ModeSend:    (*bench).send,
		generator.ModePull:    (*bench).pull,
		generator.ModeLatency: (*bench).latency,
		generator.ModeTopics:  (*bench).topics,
	} {
		verbs["bench "+mode] = driver.Bench(mode, func(ctx context.Context, o *generator.Options) (*generator.Report, error) {
			return load(&b, ctx, o)
		}, func(fs *flag.FlagSet) {
			fs.IntVar(&b.streams, "streams", 1, "`number` of streams that hold the topic's queues; topics: each topic is one")
			fs.IntVar(&b.batch, "batch", 1000, "pull, latency: `number` of messages that a request of a consumer asks for")
		})
	}
	driver.Main("jetstream", verbs)
}
