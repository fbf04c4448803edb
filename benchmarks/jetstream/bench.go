package main

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gantry-mq/gantry/benchmarks/generator"
)

// bench is what all loads share besides the options of the generator.
type bench struct {
	streams int // that hold the topic's queues
	batch   int // of a consumer's requests
}

// begin checks the options and connects the official client, which makes streams and consumers. The caller closes it.
func (b *bench) begin(o *generator.Options) (*nats.Conn, jetstream.JetStream, error) {
	if err := o.ValidateAs(o.Mode); err != nil {
		return nil, nil, err
	}
	if b.streams < 1 || b.streams > o.Queues || b.batch < 1 {
		return nil, nil, fmt.Errorf("%d streams and batches of %d, expected 1 … %d and at least 1", b.streams, b.batch, o.Queues)
	}
	nc, err := nats.Connect(o.Addr, nats.Timeout(o.AnswerTimeout))
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	return nc, js, nil
}

// stream is the name of one of the topic's streams. It tells how many there are, because that decides which queues it holds.
func (b *bench) stream(o *generator.Options, number int) string {
	return fmt.Sprintf("%s-%dof%d", o.Topic, number+1, b.streams)
}

func subject(o *generator.Options, queue int) string { return fmt.Sprintf("%s.%d", o.Topic, queue) }

// createStreams makes the topic's streams, or empties them. A stream that was deleted can't be made again at once: the server is still
// removing its files. So only those are deleted that stand in the way.
func (b *bench) createStreams(ctx context.Context, js jetstream.JetStream, o *generator.Options) error {
	wanted := make(map[string]jetstream.StreamConfig)
	for n := range b.streams {
		config := jetstream.StreamConfig{Name: b.stream(o, n), Storage: jetstream.FileStorage, Replicas: 1}
		for q := n; q < o.Queues; q += b.streams {
			config.Subjects = append(config.Subjects, subject(o, q))
		}
		wanted[config.Name] = config
	}
	there := js.StreamNames(ctx, jetstream.WithStreamListSubject(o.Topic+".>"))
	for name := range there.Name() {
		if _, keep := wanted[name]; keep {
			continue
		}
		if err := js.DeleteStream(ctx, name); err != nil {
			return fmt.Errorf("delete stream %s: %w", name, err)
		}
	}
	if err := there.Err(); err != nil {
		return fmt.Errorf("streams of topic %s: %w", o.Topic, err)
	}
	for name, config := range wanted {
		s, err := js.CreateOrUpdateStream(ctx, config)
		if err == nil {
			err = s.Purge(ctx)
		}
		if err != nil {
			return fmt.Errorf("create stream %s: %w", name, err)
		}
	}
	return nil
}

// backlog is what a stream holds: the sequences from … end-1.
type backlog struct {
	stream    string
	from, end int64
}

// look asks what the topic's streams hold.
func (b *bench) look(ctx context.Context, js jetstream.JetStream, o *generator.Options) ([]backlog, error) {
	var out []backlog
	for n := range b.streams {
		s, err := js.Stream(ctx, b.stream(o, n))
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", b.stream(o, n), err)
		}
		state := s.CachedInfo().State
		out = append(out, backlog{stream: b.stream(o, n), from: int64(state.FirstSeq), end: int64(state.LastSeq) + 1})
	}
	return out, nil
}

// inbox returns the beginning of subjects that nobody else uses.
func inbox() string { return "_B" + rand.Text() + "." }
