package inspect

import (
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// QueueStats is what the log holds of one queue.
type QueueStats struct {
	Topic    string `json:"topic"`
	QueueID  int32  `json:"queueId"`
	Records  int64  `json:"records"`
	Bytes    int64  `json:"bytes"`
	First    int64  `json:"firstQueueOffset"`
	Last     int64  `json:"lastQueueOffset"`
	Earliest int64  `json:"earliestStoreTime"` // ms
	Latest   int64  `json:"latestStoreTime"`   // ms

	lastLog int64 // log offset of the newest record
}

// Stats is what a log holds.
type Stats struct {
	Segments int           `json:"segments"`
	Min      int64         `json:"minLogOffset"`
	End      End           `json:"end"`
	Records  int64         `json:"records"`
	Bytes    int64         `json:"bytes"`
	Queues   []*QueueStats `json:"queues"`
}

type queueKey struct {
	topic string
	id    int32
}

// counter builds Stats from records in log order.
type counter struct {
	queues map[queueKey]*QueueStats
	Stats
}

func newCounter() *counter { return &counter{queues: map[queueKey]*QueueStats{}} }

// queue is the record's queue, with the record not counted yet; fresh tells that it is its first.
func (c *counter) queue(r *record.Record) (q *QueueStats, fresh bool) {
	q = c.queues[queueKey{string(r.Topic), r.QueueID}]
	if q == nil {
		q = &QueueStats{Topic: string(r.Topic), QueueID: r.QueueID, First: r.QueueOffset, Earliest: r.StoreTimestamp}
		c.queues[queueKey{q.Topic, q.QueueID}] = q
		return q, true
	}
	return q, false
}

func (c *counter) count(f *Found) {
	q, _ := c.queue(&f.Record)
	q.Records++
	q.Bytes += int64(f.Size)
	q.Last, q.Latest, q.lastLog = f.QueueOffset, f.StoreTimestamp, f.Offset
	c.Records++
	c.Bytes += int64(f.Size)
}

func (c *counter) stats(l *Log, end End) *Stats {
	s := &c.Stats
	s.Segments, s.Min, s.End = len(l.segs), l.Min(), end
	for _, q := range c.queues {
		s.Queues = append(s.Queues, q)
	}
	slices.SortFunc(s.Queues, func(a, b *QueueStats) int {
		if d := strings.Compare(a.Topic, b.Topic); d != 0 {
			return d
		}
		return int(a.QueueID) - int(b.QueueID)
	})
	return s
}

// Count counts what the log holds, by queue.
func Count(l *Log, progress func(int64)) (*Stats, error) {
	c := newCounter()
	end, err := l.Scan(l.Min(), func(f *Found) error {
		c.count(f)
		return nil
	}, progress)
	if err != nil {
		return nil, err
	}
	return c.stats(l, end), nil
}
