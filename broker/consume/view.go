package consume

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Attendee is a client in a group, with its connection.
type Attendee[M Member] struct {
	Client
	Conn M
}

// View is what is known of a consumer group whose members are there.
type View[M Member] struct {
	Type, Model, FromWhere string // as their heartbeats say
	Members                []Attendee[M]
	Subscriptions          []Subscription // by topic
}

// Group is what is known of a consumer group; false if it has no members.
func (c *Clients[M]) Group(name string) (v View[M], ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.groups[name]
	if g == nil {
		return v, false
	}
	v = View[M]{Type: g.kind, Model: g.model, FromWhere: g.fromWhere, Members: attendees(g.members)}
	v.Subscriptions = slices.SortedFunc(maps.Values(g.subscriptions), func(a, b Subscription) int { return strings.Compare(a.Topic, b.Topic) })
	return v, true
}

// attendees needs mu.
func attendees[M Member](members map[M]Client) []Attendee[M] {
	all := make([]Attendee[M], 0, len(members))
	for m, client := range members {
		all = append(all, Attendee[M]{client, m})
	}
	slices.SortFunc(all, func(a, b Attendee[M]) int { return cmp.Or(strings.Compare(a.ID, b.ID), a.Seen.Compare(b.Seen)) })
	return all
}

// Member finds a client of a consumer group, the connection that was heard of last if it has several.
func (c *Clients[M]) Member(group, id string) (a Attendee[M], ok bool) {
	v, _ := c.Group(group)
	for _, m := range v.Members {
		if m.ID == id {
			a, ok = m, true
		}
	}
	return a, ok
}

// Subscribers are the consumer groups whose members subscribe to a topic, sorted.
func (c *Clients[M]) Subscribers(topic string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for name, g := range c.groups {
		if _, ok := g.subscriptions[topic]; ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Subscribes tells whether what the members of a group say lets it consume a topic: they subscribe to it, or to nothing, or aren't there.
func (c *Clients[M]) Subscribes(group, topic string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.groups[group]
	if g == nil || len(g.subscriptions) == 0 {
		return true
	}
	_, ok := g.subscriptions[topic]
	return ok
}

// Producers are the members of each producer group.
func (c *Clients[M]) Producers() map[string][]Attendee[M] {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string][]Attendee[M], len(c.producers))
	for name, members := range c.producers {
		all[name] = attendees(members)
	}
	return all
}

// Producer is the connection of a client that produces, the one that was heard of last if it has several.
func (c *Clients[M]) Producer(id string) (m M, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok = c.named[id]
	return m, ok
}
