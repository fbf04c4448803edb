package consume

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// Member is the connection of a client.
type Member interface {
	// ConsumersChanged tells the client that the consumers of a group are others now.
	ConsumersChanged(group string)
	comparable
}

// Subscription is what a group's client wants of a topic.
type Subscription struct {
	Topic      string
	Expression string
	Type       string // TAG or SQL92
	Version    int64  // of the client: later ones replace earlier ones
}

// Models of consumption.
const (
	Clustering   = "CLUSTERING"   // the clients of a group share the messages
	Broadcasting = "BROADCASTING" // each client gets all of them
)

// Consumer is what a heartbeat says of one consumer group of a client.
type Consumer struct {
	Group         string
	Type          string // CONSUME_ACTIVELY, CONSUME_PASSIVELY, CONSUME_POP
	Model         string // "" for Clustering
	FromWhere     string
	Subscriptions []Subscription
}

// Heartbeat is what a client says of itself from time to time.
type Heartbeat struct {
	Client    Client
	Producers []string // groups
	Consumers []Consumer
	// Fingerprint stands for all the subscriptions; 0 says that the client knows no fingerprints.
	Fingerprint int32
	// Brief says that the subscriptions are left out, because they are those of the fingerprint.
	Brief bool
}

// Client is one that has sent a heartbeat on a connection.
type Client struct {
	ID       string
	Language string
	Version  int32
	Seen     time.Time // the last heartbeat
}

// Clients knows who consumes what. It is safe for concurrent use.
type Clients[M Member] struct {
	now    func() time.Time
	expiry time.Duration

	mu        sync.Mutex // guards what follows
	groups    map[string]*group[M]
	producers map[string]map[M]Client
	named     map[string]M // by client id: the connection of the last heartbeat with a producer group
}

type group[M Member] struct {
	model, kind, fromWhere string
	fingerprint            int32 // of the heartbeat that subscriptions are from; 0 if there was none, or they are out of date
	members                map[M]Client
	subscriptions          map[string]Subscription
}

// NewClients makes an empty registry. Clients that are silent for longer than expiry are dropped by Expire.
func NewClients[M Member](expiry time.Duration, now func() time.Time) *Clients[M] {
	return &Clients[M]{
		now: now, expiry: expiry, groups: map[string]*group[M]{}, producers: map[string]map[M]Client{}, named: map[string]M{},
	}
}

// Heartbeat notes that a client is there, and what it consumes and produces. notify names the groups whose members should be told
// of a change. complete is false if the client should send its subscriptions with the next one, because they aren't known.
func (c *Clients[M]) Heartbeat(m M, hb *Heartbeat, notify func(group string) bool) (complete bool) {
	client := hb.Client
	client.Seen = c.now()
	complete = hb.Fingerprint != 0
	var changed []string
	c.mu.Lock()
	for _, p := range hb.Producers {
		if c.producers[p] == nil {
			c.producers[p] = map[M]Client{}
		}
		c.producers[p][m] = client
		c.named[client.ID] = m
	}
	for i := range hb.Consumers {
		r := &hb.Consumers[i]
		g := c.group(r)
		if c.register(g, m, client, r, hb.Brief) {
			changed = append(changed, r.Group)
		}
		if !hb.Brief {
			g.fingerprint = hb.Fingerprint
		}
		complete = complete && g.fingerprint == hb.Fingerprint
	}
	calls := c.notices(changed, notify)
	c.mu.Unlock()
	for _, call := range calls {
		call()
	}
	return complete
}

// AskAgain has the next heartbeats of a group asked for their subscriptions, because a client says that its own is newer. Its brief
// heartbeats would go on without: the fingerprint says nothing of versions.
func (c *Clients[M]) AskAgain(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g := c.groups[name]; g != nil {
		g.fingerprint = 0
	}
}

// group finds a group, or makes it. It needs mu.
func (c *Clients[M]) group(r *Consumer) *group[M] {
	g := c.groups[r.Group]
	if g == nil {
		g = &group[M]{members: map[M]Client{}, subscriptions: map[string]Subscription{}}
		c.groups[r.Group] = g
	}
	g.kind, g.model, g.fromWhere = r.Type, cmp.Or(r.Model, Clustering), r.FromWhere
	return g
}

// register needs mu. It tells whether the group has a new member or another subscription.
func (c *Clients[M]) register(g *group[M], m M, client Client, r *Consumer, brief bool) (changed bool) {
	_, known := g.members[m]
	g.members[m] = client
	changed = !known
	if brief {
		return changed
	}
	wanted := make(map[string]bool, len(r.Subscriptions))
	for _, s := range r.Subscriptions {
		wanted[s.Topic] = true
		old, had := g.subscriptions[s.Topic]
		if !had || s.Version > old.Version {
			g.subscriptions[s.Topic] = s
			// A client that starts again says the same with a newer version.
			changed = changed || !had || s.Expression != old.Expression || s.Type != old.Type
		}
	}
	for topic := range g.subscriptions {
		if !wanted[topic] {
			delete(g.subscriptions, topic)
			changed = true
		}
	}
	return changed
}

// notices needs mu; what it returns is called without.
func (c *Clients[M]) notices(groups []string, notify func(string) bool) []func() {
	var calls []func()
	slices.Sort(groups)
	for _, name := range slices.Compact(groups) { // several members of one may have gone
		g := c.groups[name]
		if g == nil || g.model == Broadcasting || !notify(name) {
			continue
		}
		for m := range g.members {
			calls = append(calls, func() { m.ConsumersChanged(name) })
		}
	}
	return calls
}

// Unregister drops a client's role in a producer group, a consumer group, or both; "" names none.
func (c *Clients[M]) Unregister(m M, producer, consumer string, notify func(string) bool) {
	c.mu.Lock()
	c.dropProducer(m, producer)
	var calls []func()
	if c.dropConsumer(m, consumer) {
		calls = c.notices([]string{consumer}, notify)
	}
	c.mu.Unlock()
	for _, call := range calls {
		call()
	}
}

func (c *Clients[M]) dropProducer(m M, name string) {
	p := c.producers[name]
	client, ok := p[m]
	if !ok {
		return
	}
	if delete(p, m); len(p) == 0 {
		delete(c.producers, name)
	}
	if c.named[client.ID] == m { // if it has other groups, the next heartbeat says so
		delete(c.named, client.ID)
	}
}

func (c *Clients[M]) dropConsumer(m M, name string) bool {
	g := c.groups[name]
	if g == nil {
		return false
	}
	if _, ok := g.members[m]; !ok {
		return false
	}
	if delete(g.members, m); len(g.members) == 0 {
		delete(c.groups, name)
	}
	return true
}

// Gone drops a client whose connection has ended.
func (c *Clients[M]) Gone(m M, notify func(string) bool) {
	c.dropIf(func(x M, _ Client) bool { return x == m }, notify)
}

// Expire drops the clients that have been silent for too long and returns how many there were.
func (c *Clients[M]) Expire(notify func(string) bool) int {
	before := c.now().Add(-c.expiry)
	return c.dropIf(func(_ M, client Client) bool { return client.Seen.Before(before) }, notify)
}

func (c *Clients[M]) dropIf(match func(M, Client) bool, notify func(string) bool) int {
	n := 0
	c.mu.Lock()
	for name, p := range c.producers {
		for m, client := range p {
			if match(m, client) {
				c.dropProducer(m, name)
				n++
			}
		}
	}
	var changed []string
	for name, g := range c.groups {
		for m, client := range g.members {
			if match(m, client) && c.dropConsumer(m, name) {
				changed = append(changed, name)
				n++
			}
		}
	}
	calls := c.notices(changed, notify)
	c.mu.Unlock()
	for _, call := range calls {
		call()
	}
	return n
}

// ConsumerIDs lists the client ids of a group, sorted: every client must see them alike to share the queues.
func (c *Clients[M]) ConsumerIDs(name string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.groups[name]
	if g == nil {
		return nil
	}
	ids := make([]string, 0, len(g.members))
	for _, client := range g.members {
		ids = append(ids, client.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Subscription is what a group wants of a topic, by its last heartbeats, and how it consumes: model is "" if the group isn't there.
func (c *Clients[M]) Subscription(name, topic string) (s Subscription, model string, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.groups[name]
	if g == nil {
		return Subscription{}, "", false
	}
	s, found = g.subscriptions[topic]
	return s, g.model, found
}

// Counts are the numbers of connections that produce and consume.
func (c *Clients[M]) Counts() (producers, consumers int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := range maps.Values(c.producers) {
		producers += len(p)
	}
	for g := range maps.Values(c.groups) {
		consumers += len(g.members)
	}
	return producers, consumers
}
