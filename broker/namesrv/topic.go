package namesrv

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/gantry-mq/gantry/broker/meta"
)

// topic is where a topic's queues are.
type topic struct {
	queues   map[string]Queues          // by broker name; never empty
	mappings map[string]json.RawMessage // of static topics, by broker name

	// kept are the encoded routes, quoted and bare.
	kept [2]atomic.Pointer[kept]
}

// Queues is what one broker has of a topic. The order of its fields is that of the wire.
type Queues struct {
	Broker  string `json:"brokerName"`
	Perm    int32  `json:"perm"`
	Read    int32  `json:"readQueueNums"`
	SysFlag int32  `json:"topicSysFlag"`
	Write   int32  `json:"writeQueueNums"`
}

func queuesOf(broker string, c *meta.TopicConfig) Queues {
	return Queues{Broker: broker, Perm: c.Perm, Read: c.ReadQueues, SysFlag: c.SysFlag, Write: c.WriteQueues}
}

// outdate drops the encoded routes.
func (t *topic) outdate() {
	for i := range t.kept {
		t.kept[i].Store(nil)
	}
}

// takeTopics notes the queues that a broker registered; those that stayed the same since its last registration only if
// they are missing. It needs mu.
func (n *Namesrv) takeTopics(b Broker, r *Registration, changed, readOnly bool) {
	for _, c := range r.Topics {
		t := n.topics[c.Name]
		if t != nil && !changed {
			if _, ok := t.queues[b.Name]; ok {
				continue
			}
		}
		q := queuesOf(b.Name, c)
		if readOnly {
			q.Perm &^= meta.PermWrite
		}
		n.setQueues(c.Name, q)
	}
	if !changed {
		return
	}
	for name, mapping := range r.Mappings {
		if t := n.topics[name]; t != nil {
			if t.mappings == nil {
				t.mappings = map[string]json.RawMessage{}
			}
			t.mappings[b.Name] = mapping
			t.outdate()
		}
	}
	if n.rules.Load().DeleteMissing && len(r.Mappings) == 0 && len(r.Topics) > 1 {
		sent := make(map[string]bool, len(r.Topics))
		for _, c := range r.Topics {
			sent[c.Name] = true
		}
		for name, t := range n.topics {
			if !sent[name] {
				n.dropQueues(name, t, b.Name)
			}
		}
	}
}

// setQueues needs mu.
func (n *Namesrv) setQueues(name string, q Queues) {
	t := n.topics[name]
	if t == nil {
		t = &topic{queues: make(map[string]Queues, 1)}
		n.topics[name] = t
	}
	if t.queues[q.Broker] != q {
		t.queues[q.Broker] = q
		t.outdate()
	}
}

// dropQueues forgets what a broker has of a topic. It needs mu.
func (n *Namesrv) dropQueues(name string, t *topic, broker string) {
	if _, ok := t.queues[broker]; !ok {
		return
	}
	delete(t.queues, broker)
	delete(t.mappings, broker)
	t.outdate()
	if len(t.queues) == 0 {
		delete(n.topics, name)
	}
}

// setPerm changes the permission of all topics of a broker and returns how many it has. It needs mu.
func (n *Namesrv) setPerm(broker string, change func(int32) int32) (topics int) {
	for name, t := range n.topics {
		if q, ok := t.queues[broker]; ok {
			q.Perm = change(q.Perm)
			n.setQueues(name, q)
			topics++
		}
	}
	return topics
}

// WipeWritePerm makes a broker's topics read-only until it registers a change, and returns how many it has.
func (n *Namesrv) WipeWritePerm(broker string) (topics int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.setPerm(broker, func(perm int32) int32 { return perm &^ meta.PermWrite })
}

// AddWritePerm makes a broker's topics readable and writable, and returns how many it has.
func (n *Namesrv) AddWritePerm(broker string) (topics int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.setPerm(broker, func(int32) int32 { return meta.PermRead | meta.PermWrite })
}

// AddTopic notes queues of a topic that a tool registers. All brokers must be known.
func (n *Namesrv) AddTopic(name string, queues []Queues) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, q := range queues {
		if n.brokers[q.Broker] == nil {
			return fmt.Errorf("namesrv: topic %s is not registered: broker %q is unknown", name, q.Broker)
		}
	}
	for _, q := range queues {
		n.setQueues(name, q)
	}
	return nil
}

// DeleteQueues forgets what a broker has of a topic.
func (n *Namesrv) DeleteQueues(name, broker string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if t := n.topics[name]; t != nil {
		n.dropQueues(name, t, broker)
	}
}

// DeleteTopic forgets a topic, with a cluster only what the cluster's brokers have of it, until they register it again.
func (n *Namesrv) DeleteTopic(name, cluster string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := n.topics[name]
	if t == nil {
		return
	}
	if cluster == "" {
		delete(n.topics, name)
		return
	}
	for _, broker := range slices.Collect(maps.Keys(t.queues)) {
		if b := n.brokers[broker]; b != nil && b.cluster == cluster {
			n.dropQueues(name, t, broker)
		}
	}
}
