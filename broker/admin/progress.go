package admin

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/remoting"
)

// Progress is how far a consumer group is.
type Progress struct {
	Group    string          `json:"group"`
	TPS      float64         `json:"consumeTps"` // messages per second
	Diff     int64           `json:"diffTotal"`  // messages that aren't committed
	Inflight int64           `json:"inflightTotal"`
	Queues   []QueueProgress `json:"queues"` // sorted
}

// QueueProgress is how far a consumer group is in a queue.
type QueueProgress struct {
	Queue
	BrokerOffset   int64  `json:"brokerOffset"`       // that the next message will have
	ConsumerOffset int64  `json:"consumerOffset"`     // the committed one
	Diff           int64  `json:"diff"`               // messages that aren't committed
	Inflight       int64  `json:"inflight"`           // messages that were fetched and aren't committed
	LastTimestamp  int64  `json:"lastTimestamp"`      // ms when the last committed message was stored; 0: unknown
	ClientIP       string `json:"clientIp,omitempty"` // of the consumer that has the queue
}

// consumeStats is what a broker answers.
type consumeStats struct {
	TPS     float64                     `json:"consumeTps"`
	Offsets map[queueKey]consumeOffsets `json:"offsetTable"`
}

type consumeOffsets struct {
	Broker   int64 `json:"brokerOffset"`
	Consumer int64 `json:"consumerOffset"`
	Pull     int64 `json:"pullOffset"`
	Last     int64 `json:"lastTimestamp"`
}

// ProgressQuery says what of a group's progress is of interest.
type ProgressQuery struct {
	Group   string
	Topic   string // empty: all that it has subscribed to
	Cluster string // see Where
	Clients bool   // also which client has which queue
}

// Progress asks all brokers that know a group how far it is.
func (c *Client) Progress(ctx context.Context, q ProgressQuery) (*Progress, error) {
	sets, err := c.groupSets(ctx, q)
	if err != nil {
		return nil, err
	}
	stats := make([]consumeStats, len(sets))
	r := remoting.Request{Code: remoting.CodeGetConsumeStats}
	r.Fields.Add("consumerGroup", q.Group)
	r.Fields.Add("topic", q.Topic)
	err = eachReader(sets, func(i int, addr string) error { return c.fetch(ctx, addr, &r, &stats[i]) })
	p := newProgress(q.Group, stats)
	if err != nil && len(p.Queues) == 0 {
		return nil, err
	}
	if len(p.Queues) == 0 {
		return nil, notFound("no broker knows how far the group %q is: it has not consumed anything yet", q.Group)
	}
	if err == nil && q.Clients {
		err = c.addClients(ctx, p, sets)
	}
	return p, err
}

// groupSets are the brokers that know a group: those that have its topic for retries, or else those that have the topic asked for. A group of which neither says
// anything, because it has never been online, can have been created in any.
func (c *Client) groupSets(ctx context.Context, q ProgressQuery) ([]BrokerSet, error) {
	sets, err := c.sets(ctx, Where{Topic: retryTopic(q.Group)})
	if !errors.Is(err, ErrNotFound) {
		return sets, err
	}
	if q.Topic != "" {
		return c.sets(ctx, Where{Topic: q.Topic, Cluster: q.Cluster})
	}
	info, err := c.clusterInfo(ctx)
	return slices.SortedFunc(maps.Values(info.Sets), func(a, b BrokerSet) int { return cmp.Compare(a.Name, b.Name) }), err
}

func newProgress(group string, stats []consumeStats) *Progress {
	p := &Progress{Group: group, Queues: []QueueProgress{}}
	for _, s := range stats {
		p.TPS += s.TPS
		for key, o := range s.Offsets {
			q := QueueProgress{
				Queue: key.Of, BrokerOffset: o.Broker, ConsumerOffset: o.Consumer, LastTimestamp: o.Last,
				Diff: o.Broker - o.Consumer, Inflight: max(0, o.Pull-o.Consumer),
			}
			p.Diff += q.Diff
			p.Inflight += q.Inflight
			p.Queues = append(p.Queues, q)
		}
	}
	slices.SortFunc(p.Queues, func(a, b QueueProgress) int { return compareQueues(a.Queue, b.Queue) })
	return p
}

// addClients asks the group's clients, through their brokers, which queues they have.
func (c *Client) addClients(ctx context.Context, p *Progress, sets []BrokerSet) error {
	owners := map[Queue]string{}
	for _, s := range sets {
		addr := s.reader()
		conns, err := c.consumerConnection(ctx, addr, p.Group)
		if errors.Is(err, ErrNotFound) {
			continue // nobody is online there
		} else if err != nil {
			return err
		}
		for _, conn := range conns.Connections {
			queues, err := c.clientQueues(ctx, addr, p.Group, conn.ClientID)
			if err != nil {
				return err
			}
			for _, q := range queues {
				owners[q], _, _ = strings.Cut(conn.ClientID, "@")
			}
		}
	}
	for i := range p.Queues {
		p.Queues[i].ClientIP = owners[p.Queues[i].Queue]
	}
	return nil
}

// clientQueues are the queues that a consumer has.
func (c *Client) clientQueues(ctx context.Context, addr, group, clientID string) ([]Queue, error) {
	r := remoting.Request{Code: remoting.CodeGetConsumerRunningInfo}
	r.Fields.Add("consumerGroup", group)
	r.Fields.Add("clientId", clientID)
	r.Fields.AddBool("jstackEnable", false)
	var info struct {
		Queues map[queueKey]struct{} `json:"mqTable"`
	}
	if err := c.fetch(ctx, addr, &r, &info); err != nil {
		return nil, err
	}
	var queues []Queue
	for key := range maps.Keys(info.Queues) {
		queues = append(queues, key.Of)
	}
	return queues, nil
}

// GroupProgress is the progress of one group of many.
type GroupProgress struct {
	Group   string  `json:"group"`
	Clients int     `json:"clients"`           // that are online
	Version string  `json:"version,omitempty"` // the oldest of theirs
	Type    string  `json:"consumeType,omitempty"`
	Model   string  `json:"messageModel,omitempty"`
	TPS     float64 `json:"consumeTps"`
	Diff    int64   `json:"diffTotal"`
}

// AllProgress is the progress of all groups that have ever consumed, sorted by name.
func (c *Client) AllProgress(ctx context.Context) ([]GroupProgress, error) {
	topics, err := c.Topics(ctx)
	if err != nil {
		return nil, err
	}
	all := []GroupProgress{}
	for _, t := range topics {
		if group, ok := strings.CutPrefix(t, meta.RetryPrefix); ok {
			all = append(all, GroupProgress{Group: group})
		}
	}
	return all, each(all, func(i int, _ GroupProgress) error { return c.groupProgress(ctx, &all[i]) })
}

func (c *Client) groupProgress(ctx context.Context, g *GroupProgress) error {
	p, err := c.Progress(ctx, ProgressQuery{Group: g.Group})
	switch {
	case err == nil:
		g.TPS, g.Diff = p.TPS, p.Diff
	case !errors.Is(err, ErrNotFound):
		return err
	}
	conns, err := c.ConsumerConnection(ctx, g.Group, "")
	if errors.Is(err, ErrNotFound) {
		return nil // nobody is online
	} else if err != nil {
		return err
	}
	g.Clients, g.Type, g.Model, g.Version = len(conns.Connections), conns.Type, conns.Model, oldest(conns.Connections)
	return nil
}
