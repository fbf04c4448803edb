package broker

import (
	"cmp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/stats"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/broker/telemetry"
)

// Metrics are the broker's series. Names and labels are RocketMQ's where it has the metric, otherwise they begin with gantry_.
func (b *Broker) Metrics() []telemetry.Metric {
	c := b.opts.Config
	own := []telemetry.Label{{Name: "cluster", Value: c.ClusterName}, {Name: "node_type", Value: "broker"}, {Name: "node_id", Value: c.BrokerName}}
	storage := append(own[:len(own):len(own)], telemetry.Label{Name: "storage_type", Value: "local"}, telemetry.Label{Name: "storage_medium", Value: "disk"})
	var all []telemetry.Metric
	add := func(name string, kind telemetry.Kind, labels []telemetry.Label, v float64, help string) {
		all = append(all, telemetry.Metric{Name: name, Kind: kind, Help: help, Labels: labels, Value: v})
	}
	topics, _ := b.Topics.All()
	groups, _ := b.Groups.All()
	producers, consumers := b.Handler.Clients.Counts()
	s, log, clog, dispatch := b.Handler.Stats(), b.Store.Log, b.Store.Log.Stats(), b.Store.DispatchStats()
	add("rocketmq_broker_permission", telemetry.Gauge, own, float64(c.BrokerPerm), "What clients may do: 4 read, 2 write.")
	add("rocketmq_topic_number", telemetry.Gauge, own, float64(len(topics)), "Topics, the broker's own included.")
	add("rocketmq_consumer_group_number", telemetry.Gauge, own, float64(len(groups)), "Consumer groups.")
	add("rocketmq_producer_connections", telemetry.Gauge, own, float64(producers), "Producers, by group and connection.")
	add("rocketmq_consumer_connections", telemetry.Gauge, own, float64(consumers), "Consumers, by group and connection.")
	add("rocketmq_storage_size_bytes", telemetry.Gauge, storage, float64(log.Max()-log.Min()), "Bytes of the log.")
	add("rocketmq_storage_flush_behind_bytes", telemetry.Gauge, storage, float64(log.Max()-log.Flushed()), "Bytes of the log that are not on disk yet.")
	add("rocketmq_storage_dispatch_behind_bytes", telemetry.Gauge, storage, float64(b.Store.DispatchBehind()), "Bytes of the log that are not in queues and index yet.")
	add("gantry_messages_refused_total", telemetry.Counter, own, float64(s.Refused.Load()), "Messages that were not taken.")
	add("gantry_held_pulls", telemetry.Gauge, own, float64(b.holder.Len()), "Pulls that wait for a message.")
	add("gantry_connections", telemetry.Gauge, own, float64(b.server.Connections()), "Connections of clients.")
	add("gantry_log_flushes_total", telemetry.Counter, own, float64(clog.Flushes), "Flushes of the log.")
	add("gantry_log_flush_seconds_total", telemetry.Counter, own, clog.FlushTime.Seconds(), "Time that flushes of the log took.")
	add("gantry_log_flush_longest_seconds", telemetry.Gauge, own, clog.FlushMax.Seconds(), "The longest flush of the log.")
	add("gantry_log_messages_total", telemetry.Counter, own, float64(clog.Messages), "Messages in the log since the start.")
	add("gantry_log_appends_total", telemetry.Counter, own, float64(clog.Appends), "Appends to the log, of one message or many.")
	add("gantry_log_append_seconds_total", telemetry.Counter, own, clog.AppendTime.Seconds(), "Time that appends held the log's lock.")
	add("gantry_log_append_stalls_total", telemetry.Counter, own, float64(clog.Stalls), "Appends that held the log's lock for over 10 ms.")
	add("gantry_log_segments_begun_total", telemetry.Counter, own, float64(clog.Rolls), "Segments of the log that were begun.")
	for source, shown := range map[string]store.Shown{"memory": dispatch.Memory, "log": dispatch.Log} {
		labels := append(own[:len(own):len(own)], telemetry.Label{Name: "source", Value: source})
		add("gantry_dispatched_messages_total", telemetry.Counter, labels, float64(shown.Messages), "Messages put into queues and index, from memory or read back from the log.")
		add("gantry_dispatch_seconds_total", telemetry.Counter, labels, shown.Time.Seconds(), "Time that putting messages into queues and index took.")
	}
	add("gantry_lock_wait_seconds_total", telemetry.Counter, own, telemetry.LockWait().Seconds(), "Time that goroutines waited for locks of the process, as the Go runtime samples it.")
	add("gantry_goroutines", telemetry.Gauge, own, float64(runtime.NumGoroutine()), "Goroutines of the process.")
	delivered, skipped := b.Delay.Counts()
	add("gantry_delayed_messages_delivered_total", telemetry.Counter, own, float64(delivered), "Messages that were delivered after their delay.")
	add("gantry_delayed_messages_skipped_total", telemetry.Counter, own, float64(skipped), "Delayed messages that could not be delivered; the log says why.")
	for _, l := range b.Delay.Levels() {
		labels := append(own[:len(own):len(own)], telemetry.Label{Name: "level", Value: strconv.Itoa(int(l.Number))})
		add("gantry_delayed_messages", telemetry.Gauge, labels, float64(l.Next-l.Offset), "Messages that wait at a delay level.")
	}
	s.EachPut(func(topic string, total stats.Sum) {
		labels := append(own[:len(own):len(own)],
			telemetry.Label{Name: "topic", Value: topic}, telemetry.Label{Name: "is_system", Value: strconv.FormatBool(b.Topics.IsSystem(topic))})
		add("rocketmq_messages_in_total", telemetry.Counter, labels, float64(total.Messages), "Messages that producers sent.")
		add("rocketmq_throughput_in_total", telemetry.Counter, labels, float64(total.Bytes), "Bytes of the records of messages that producers sent.")
	})
	s.EachGot(func(group, topic string, total stats.Sum) {
		labels := append(own[:len(own):len(own)], b.consumerLabels(group, topic)...)
		add("rocketmq_messages_out_total", telemetry.Counter, labels, float64(total.Messages), "Messages that consumers got.")
		add("rocketmq_throughput_out_total", telemetry.Counter, labels, float64(total.Bytes), "Bytes of the records of messages that consumers got.")
	})
	for _, l := range b.lags() {
		labels := append(own[:len(own):len(own)], b.consumerLabels(l.group, l.topic)...)
		add("rocketmq_consumer_lag_messages", telemetry.Gauge, labels, float64(l.messages), "Messages behind the offset that a group has committed.")
	}
	// Series of a metric stand together, and in the same order each time.
	slices.SortFunc(all, func(a, b telemetry.Metric) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), slices.CompareFunc(a.Labels, b.Labels, func(a, b telemetry.Label) int { return cmp.Compare(a.Value, b.Value) }))
	})
	return all
}

// consumerLabels are the labels of a group's series for a topic.
func (b *Broker) consumerLabels(group, topic string) []telemetry.Label {
	retry := strings.HasPrefix(topic, meta.RetryPrefix)
	return []telemetry.Label{
		{Name: "consumer_group", Value: group}, {Name: "topic", Value: topic}, {Name: "is_retry", Value: strconv.FormatBool(retry)},
		{Name: "is_system", Value: strconv.FormatBool(meta.IsSystemGroup(group) || b.Topics.IsSystem(topic))},
	}
}

// lag is how far a group is behind in the queues of a topic of which it has committed offsets.
type lag struct {
	group, topic string
	messages     int64
}

func (b *Broker) lags() []lag {
	type pair struct{ group, topic string }
	sums := map[pair]int64{}
	b.Offsets.Each(func(group, topic string, queue int32, offset int64) bool {
		if next, ok := b.nextOffset(topic, queue); ok {
			sums[pair{group, topic}] += max(0, next-offset)
		}
		return true
	})
	all := make([]lag, 0, len(sums))
	for p, n := range sums {
		all = append(all, lag{p.group, p.topic, n})
	}
	return all
}
