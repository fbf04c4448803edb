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
	var producers []*producer
	var conns []loop.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for n := range o.Connections {
		p, err := dialProducer(ctx, o, n)
		if err != nil {
			return nil, err
		}
		producers, conns = append(producers, p), append(conns, p)
	}
	r, err := loop.Closed(ctx, o, conns)
	if r != nil {
		checkAcks(r, producers)
	}
	return r, err
}
