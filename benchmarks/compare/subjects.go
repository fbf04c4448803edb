package main

import "github.com/gantry-mq/gantry/benchmarks/runner"

// subjects are all that can be measured. The first word of a command line is a program; see programs.
func subjects() []runner.Subject {
	return []runner.Subject{
		{
			Name: "gantry", Title: "Gantry",
			Config: "defaults: CRC of every message, index by key, each message with UNIQ_KEY, asynchronous flush",
			Serve:  []string{"gantry", "up", "--data", "{data}", "--namesrv-port", "0", "--broker-port", "0", "--http-port", "0"},
			Drive:  []string{"gantry", "bench"},
		},
		{
			Name: "jetstream", Title: "NATS JetStream",
			Config: "file storage, one replica, one stream with a subject for each queue; synced every two minutes as by default, or always",
			Serve:  []string{"jetstream", "serve", "--data", "{data}"},
			Drive:  []string{"jetstream", "bench"},
		},
		{
			Name: "jetstream-8", Title: "NATS JetStream with 8 streams",
			Config: "the same, the topic's 8 queues dealt out among as many streams, which flush in parallel",
			Serve:  []string{"jetstream", "serve", "--data", "{data}"},
			Drive:  []string{"jetstream", "bench"},
		},
		{
			Name: "java", Title: "RocketMQ 5.5.0 (Java)",
			Config: "name server and broker from the published jars, a JVM for each with the flags of the start scripts, heap of 1 GB; the broker's defaults, or SYNC_FLUSH; 8 s of warm-up for the compilers",
			Serve:  []string{"java", "serve", "--data", "{data}"},
			Drive:  []string{"gantry", "bench"},
		},
		{
			Name: "kafka", Title: "Kafka",
			Config: "one node that is its own controller, from the published jars, with the flags of the start script, heap of 1 GB; the defaults, or log.flush.interval.messages=1; a queue is a partition; 8 s of warm-up for the compilers",
			Serve:  []string{"kafka", "serve", "--data", "{data}"},
			Drive:  []string{"kafka", "bench"},
		},
		{
			Name: "remoting", Title: "empty Remoting server",
			Config: "parses a frame and answers it: what the protocol takes without a broker",
			Serve:  []string{"ceiling", "serve", "remoting"},
			Drive:  []string{"gantry", "bench"},
		},
		{
			Name: "remoting-disk", Title: "empty Remoting server that writes",
			Config: "the same, but first writes each message to a preallocated file, and syncs that every 500 ms, which is a broker's default; nothing else",
			Serve:  []string{"ceiling", "serve", "remoting", "--data", "{data}"},
			Drive:  []string{"gantry", "bench"},
		},
		{
			Name: "tcp", Title: "TCP ping-pong",
			Config: "a frame of a message's size there, a small one back, over loopback between two processes",
			Serve:  []string{"ceiling", "serve", "tcp"},
			Drive:  []string{"ceiling", "bench"},
		},
		{
			Name: "writev", Title: "bare writev",
			Config: "32 × 1,175 bytes from a mapped file to a loopback socket, again and again",
			Serve:  []string{"ceiling", "serve", "writev", "--data", "{data}"},
			Drive:  []string{"ceiling", "bench"},
		},
		{
			Name: "writev-asked", Title: "bare writev, on request",
			Config: "the same for each byte that comes, two on their way on each connection, and every eighth record of the file as a queue of eight has them",
			Serve:  []string{"ceiling", "serve", "writev", "--asked", "--data", "{data}"},
			Drive:  []string{"ceiling", "bench"},
		},
		{
			Name: "fdatasync", Title: "bare write + fdatasync",
			Config: "1 KiB written and flushed, one at a time, in a file whose blocks are allocated and written",
			Drive:  []string{"ceiling", "bench"},
		},
	}
}
