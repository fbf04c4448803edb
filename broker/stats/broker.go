package stats

import (
	"strings"
	"sync"
	"time"
)

// Names of what can be viewed by a key: a topic, topic@group, or the name of the cluster.
const (
	TopicPutNums  = "TOPIC_PUT_NUMS"
	TopicPutSize  = "TOPIC_PUT_SIZE"
	GroupGetNums  = "GROUP_GET_NUMS"
	GroupGetSize  = "GROUP_GET_SIZE"
	SendBackNums  = "SNDBCK_PUT_NUMS"
	BrokerPutNums = "BROKER_PUT_NUMS"
	BrokerGetNums = "BROKER_GET_NUMS"
	UserPutNums   = "BROKER_PUT_NUMS_WITHOUT_SYSTEM_TOPIC"
	UserGetNums   = "BROKER_GET_NUMS_WITHOUT_SYSTEM_TOPIC"
	keySeparator  = '@'
	maxKeyOnStack = 512
)

// Broker counts what goes through a broker. Its methods are safe for concurrent use.
type Broker struct {
	cluster  string
	isSystem func(topic string) bool

	// All that was put and got, of all topics; Missed counts the pulls that found nothing.
	Put, Got, Missed Counter
	userPut, userGot Counter // of topics that aren't the system's
	// PutTime is how long puts took, from the first look at them to the answer.
	PutTime Histogram

	puts, gets, sentBack *table // by topic, topic@group, topic@group

	mu    sync.Mutex // guards clock and days, and sampled and past of all counters. Taken before a table's locks
	clock clock
	days  days
}

// New makes a Broker. isSystem tells the broker's own topics from those of its users.
func New(cluster string, isSystem func(topic string) bool, now func() time.Time) *Broker {
	began := now()
	b := &Broker{
		cluster: cluster, isSystem: isSystem, clock: clock{began, began, now},
		puts: newTable(), gets: newTable(), sentBack: newTable(),
	}
	b.days.begin(began)
	return b
}

// CountPut counts messages that were put into a topic.
func (b *Broker) CountPut(topic string, messages, bytes int64) {
	b.CountPuts(topic, Sum{messages, bytes, 1})
}

// CountPuts counts several puts at once.
func (b *Broker) CountPuts(topic string, s Sum) {
	c := b.puts.findString(topic)
	if c == nil {
		c = b.puts.add(topic, func() *Counter { return b.newCounter(topic, &b.Put, &b.userPut) })
	}
	c.AddSum(s)
}

// CountGot counts messages that a group got from a topic by one pull.
func (b *Broker) CountGot(group, topic string, messages, bytes int64) {
	b.counter(b.gets, group, topic, &b.Got, &b.userGot).Add(messages, bytes)
}

// CountSentBack counts a message that a group sent back to be consumed again.
func (b *Broker) CountSentBack(group, topic string) {
	b.counter(b.sentBack, group, topic, nil, nil).Add(1, 0)
}

func (b *Broker) counter(t *table, group, topic string, all, user *Counter) *Counter {
	var buf [maxKeyOnStack]byte
	key := append(append(append(buf[:0], topic...), keySeparator), group...)
	if c := t.find(key); c != nil {
		return c
	}
	return t.add(string(key), func() *Counter { return b.newCounter(topic, all, user) })
}

func (b *Broker) newCounter(topic string, all, user *Counter) *Counter {
	c := &Counter{born: b.clock.now().Sub(b.clock.began)}
	if all != nil {
		c.parts = append(c.parts, all)
		if !b.isSystem(topic) {
			c.parts = append(c.parts, user)
		}
	}
	return c
}

// EachPut calls f with what was put into each topic since the start. f must not count.
func (b *Broker) EachPut(f func(topic string, total Sum)) {
	b.puts.each(func(topic string, c *Counter) { f(topic, c.Total()) })
}

// EachGot calls f with what each group got from each topic since the start. f must not count.
func (b *Broker) EachGot(f func(group, topic string, total Sum)) {
	b.gets.each(func(key string, c *Counter) {
		topic, group, _ := strings.Cut(key, string(keySeparator))
		f(group, topic, c.Total())
	})
}

// Forget drops what was counted of a topic that is no more.
func (b *Broker) Forget(topic string) { b.forget(topic, "") }

// ForgetGroup drops what was counted of a group that is no more.
func (b *Broker) ForgetGroup(group string) { b.forget("", group) }

func (b *Broker) forget(topic, group string) {
	match := func(key string, _ *Counter) bool {
		t, g, _ := strings.Cut(key, string(keySeparator))
		return topic != "" && t == topic || group != "" && g == group
	}
	for _, t := range []*table{b.puts, b.gets, b.sentBack} {
		t.dropIf(match)
	}
}

// Sample moves what was counted into the past. It is called every ten seconds.
func (b *Broker) Sample() {
	b.mu.Lock()
	defer b.mu.Unlock()
	last, now := b.clock.read()
	for _, c := range []*Counter{&b.Put, &b.Got, &b.Missed, &b.userPut, &b.userGot} {
		c.sample(last, now)
	}
	for _, t := range []*table{b.puts, b.gets, b.sentBack} {
		t.dropIf(func(_ string, c *Counter) bool { return c.sample(last, now) })
	}
	b.clock.last = b.clock.now()
	b.days.turn(b.clock.last, b.Put.Total().Messages, b.Got.Total().Messages)
}

// Over is what a counter of the broker's counted in a window.
func (b *Broker) Over(c *Counter, w Window) Over {
	b.mu.Lock()
	defer b.mu.Unlock()
	last, now := b.clock.read()
	return c.over(w, last, now)
}

// View is what was counted under a name and a key in a window; ok is false where there is nothing of the kind. n is the number that
// the name speaks of, messages or bytes.
func (b *Broker) View(name, key string, w Window) (o Over, n int64, ok bool) {
	var c *Counter
	switch name {
	case TopicPutNums, TopicPutSize:
		c = b.puts.findString(key)
	case GroupGetNums, GroupGetSize:
		c = b.gets.findString(key)
	case SendBackNums:
		c = b.sentBack.findString(key)
	default:
		c = b.whole(name, key)
	}
	if c == nil {
		return Over{}, 0, false
	}
	o = b.Over(c, w)
	n = o.Messages
	if name == TopicPutSize || name == GroupGetSize {
		n = o.Bytes
	}
	return o, n, true
}

// whole is a counter of the whole broker; they go by the name of its cluster.
func (b *Broker) whole(name, key string) *Counter {
	if key != b.cluster {
		return nil
	}
	switch name {
	case BrokerPutNums:
		return &b.Put
	case BrokerGetNums:
		return &b.Got
	case UserPutNums:
		return &b.userPut
	case UserGetNums:
		return &b.userGot
	}
	return nil
}

// PutPerSecond is the rate at which messages are put into a topic.
func (b *Broker) PutPerSecond(topic string) float64 { return b.perSecond(TopicPutNums, topic) }

// GotPerSecond is the rate at which a group gets messages from a topic.
func (b *Broker) GotPerSecond(group, topic string) float64 {
	return b.perSecond(GroupGetNums, topic+string(keySeparator)+group)
}

func (b *Broker) perSecond(name, key string) float64 {
	o, n, ok := b.View(name, key, Minute)
	if !ok {
		return 0
	}
	return o.PerSecond(n)
}
