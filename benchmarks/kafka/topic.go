package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gantry-mq/gantry/benchmarks/generator"
)

// createTopic creates the topic, or takes the one that is there, which must have as many partitions.
func createTopic(ctx context.Context, o *generator.Options) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(o.Addr))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, o.AnswerTimeout)
	defer cancel()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = o.Topic, int32(o.Queues), 1
	request := kmsg.NewPtrCreateTopicsRequest()
	request.TimeoutMillis = int32(o.AnswerTimeout.Milliseconds())
	request.Topics = append(request.Topics, topic)
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("create topic %s at %s: %w", o.Topic, o.Addr, err)
	}
	for _, t := range response.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s at %s: %w", o.Topic, o.Addr, err)
		}
	}
	return nil
}

// ends are the offsets, by partition, behind the last message (or, with first, of the first one).
func ends(ctx context.Context, o *generator.Options, first bool) ([]int64, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(o.Addr))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, o.AnswerTimeout)
	defer cancel()
	at := int64(-1) // the end
	if first {
		at = -2
	}
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = o.Topic
	for q := range o.Queues {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = int32(q), at
		topic.Partitions = append(topic.Partitions, p)
	}
	request := kmsg.NewPtrListOffsetsRequest()
	request.ReplicaID = -1
	request.Topics = append(request.Topics, topic)
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("offsets of topic %s at %s: %w", o.Topic, o.Addr, err)
	}
	out := make([]int64, o.Queues)
	for _, t := range response.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("offsets of topic %s, partition %d: %w", o.Topic, p.Partition, err)
			}
			if p.Partition < 0 || int(p.Partition) >= len(out) {
				return nil, fmt.Errorf("offsets of topic %s: partition %d, expected 0 … %d", o.Topic, p.Partition, len(out)-1)
			}
			out[p.Partition] = p.Offset
		}
	}
	return out, nil
}
