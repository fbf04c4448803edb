package admin

import (
	"context"
	"maps"
	"slices"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// Latest as a time is the end of each queue.
const Latest = -1

// Reset is a wish to have a group go on consuming elsewhere.
type Reset struct {
	Group, Topic string
	Cluster      string // see Where
	Time         int64  // ms: go on with the messages that were stored then or later; Latest: behind the last one
	// OnlyBack leaves alone queues in which the group isn't that far yet. Brokers that reset for themselves ignore it.
	OnlyBack bool
	// Broker and QueueID, if Broker isn't empty and QueueID isn't negative, choose one queue; Offset, if it isn't negative, is where it goes on, and Time is ignored.
	Broker  string // an address
	QueueID int32
	Offset  int64
}

// ResetOffset is where a group goes on in a queue.
type ResetOffset struct {
	Queue
	Offset int64 `json:"offset"`
}

// ResetOffsets moves a group. Consumers that are online are told by their brokers; if there are none, the committed offsets are changed.
func (c *Client) ResetOffsets(ctx context.Context, w Reset) ([]ResetOffset, error) {
	if w.Broker != "" && w.QueueID >= 0 {
		return c.resetQueue(ctx, w)
	}
	sets, err := c.sets(ctx, Where{Topic: w.Topic, Cluster: w.Cluster})
	if err != nil {
		return nil, err
	}
	found := make([][]ResetOffset, len(sets))
	err = eachReader(sets, func(i int, addr string) (err error) {
		found[i], err = c.resetOnline(ctx, addr, w)
		if refusedWith(err, remoting.RespConsumerNotOnline) {
			found[i], err = c.resetOffline(ctx, addr, w)
		}
		return err
	})
	return sortResets(slices.Concat(found...)), err
}

func sortResets(all []ResetOffset) []ResetOffset {
	slices.SortFunc(all, func(a, b ResetOffset) int { return compareQueues(a.Queue, b.Queue) })
	return all
}

// resetOnline has the broker do it, which tells the consumers.
func (c *Client) resetOnline(ctx context.Context, addr string, w Reset) ([]ResetOffset, error) {
	r := resetRequest(w)
	r.Fields.AddInt("queueId", -1)
	r.Fields.AddInt("offset", -1)
	r.Fields.AddInt("timestamp", w.Time)
	r.Fields.AddBool("isForce", !w.OnlyBack)
	var answer struct {
		Offsets map[queueKey]int64 `json:"offsetTable"`
	}
	if err := c.fetch(ctx, addr, r, &answer); err != nil {
		return nil, err
	}
	var all []ResetOffset
	for key := range maps.Keys(answer.Offsets) {
		all = append(all, ResetOffset{key.Of, answer.Offsets[key]})
	}
	return all, nil
}

func resetRequest(w Reset) *remoting.Request {
	r := remoting.Request{Code: remoting.CodeInvokeBrokerToResetOffset}
	r.Fields.Add("topic", w.Topic)
	r.Fields.Add("group", w.Group)
	return &r
}

// resetOffline commits offsets in the name of the group, in those queues that it has consumed.
func (c *Client) resetOffline(ctx context.Context, addr string, w Reset) ([]ResetOffset, error) {
	r := remoting.Request{Code: remoting.CodeGetConsumeStats}
	r.Fields.Add("consumerGroup", w.Group)
	r.Fields.Add("topic", w.Topic)
	var stats consumeStats
	if err := c.fetch(ctx, addr, &r, &stats); err != nil {
		return nil, err
	}
	var all []ResetOffset
	for key, o := range stats.Offsets {
		if key.Of.Topic != w.Topic {
			continue
		}
		to, err := c.resetTo(ctx, addr, key.Of, w)
		if err != nil {
			return all, err
		}
		if w.OnlyBack && to > o.Consumer {
			continue
		}
		if err := c.commit(ctx, addr, w.Group, key.Of, to); err != nil {
			return all, err
		}
		all = append(all, ResetOffset{key.Of, to})
	}
	return all, nil
}

// resetTo is the offset at the time of a reset.
func (c *Client) resetTo(ctx context.Context, addr string, q Queue, w Reset) (int64, error) {
	if w.Time == Latest {
		return c.maxOffset(ctx, addr, q)
	}
	return c.offsetAt(ctx, addr, q, w.Time)
}

func (c *Client) commit(ctx context.Context, addr, group string, q Queue, offset int64) error {
	r := queueRequest(remoting.CodeUpdateConsumerOffset, q)
	r.Fields.Add("consumerGroup", group)
	r.Fields.AddInt("commitOffset", offset)
	_, err := c.ask(ctx, addr, r)
	return err
}

// resetQueue moves the group in one queue: the offset is committed, and then the consumer of the queue is told, if there is one.
func (c *Client) resetQueue(ctx context.Context, w Reset) ([]ResetOffset, error) {
	q := Queue{Topic: w.Topic, ID: w.QueueID}
	to := w.Offset
	if to < 0 {
		var err error
		if to, err = c.resetTo(ctx, w.Broker, q, w); err != nil {
			return nil, err
		}
	}
	if err := c.commit(ctx, w.Broker, w.Group, q, to); err != nil {
		return nil, err
	}
	r := resetRequest(w)
	r.Fields.AddInt("queueId", int64(w.QueueID))
	r.Fields.AddInt("offset", to)
	// A broker that doesn't reset for itself looks at no queue id: with this time and without force it leaves all queues where they are committed.
	r.Fields.AddInt("timestamp", Latest)
	r.Fields.AddBool("isForce", false)
	if _, err := c.ask(ctx, w.Broker, r); err != nil && !refusedWith(err, remoting.RespConsumerNotOnline) {
		return nil, err
	}
	return []ResetOffset{{q, to}}, nil
}
