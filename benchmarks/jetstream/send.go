package main

import (
	"context"

	"github.com/gantry-mq/gantry/benchmarks/generator"
	"github.com/gantry-mq/gantry/benchmarks/loop"
)

// send publishes in a closed loop, with a window of unacknowledged messages on each connection.
func (b *bench) send(ctx context.Context, o *generator.Options) (*generator.Report, error) {
	nc, js, err := b.begin(o)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	if err := b.createStreams(ctx, js, o); err != nil {
		return nil, err
	}
	return sendAll(ctx, o)
}

func sendAll(ctx context.Context, o *generator.Options) (*generator.Report, error) {
	return loop.ClosedOver(ctx, o, func(n int) (*producer, error) { return dialProducer(ctx, o, n) }, checkAcks)
}
