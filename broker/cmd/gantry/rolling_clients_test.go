package main

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// rollingPatience bounds each step of a rolling replacement.
const rollingPatience = 2 * time.Minute

// A place is where a message is: at an offset of a queue of a broker.
type place struct {
	queue  brokerQueue
	offset int64
}

type brokerQueue struct {
	broker string
	id     int
}

func placeOf(e event) place { return place{brokerQueue{e.Broker, e.Queue}, e.QueueOffset} }

// numbersEach is how many numbers there are for the messages of each producer.
const numbersEach = 1_000_000

// orderKeys is how many keys a producer gives its messages that orders them by keys.
const orderKeys = 8

// aRound is so many messages that their producer, with keys or without, has come to each of eight queues.
const aRound = 2 * orderKeys

// A sender is a program with producers, and what they have sent.
type sender struct {
	*client
	learnsFast bool // of new routes: the Go client asks only every 30 s

	read   int                // events
	sent   map[place]int64    // numbers
	recent map[int64][]string // the brokers that got the last messages of each producer
}

func newSender(c *client, producers ...int64) *sender {
	s := &sender{client: c, sent: map[place]int64{}, recent: map[int64][]string{}}
	for _, p := range producers {
		s.recent[p] = nil
	}
	return s
}

// update takes what the producers have said since the last time.
func (s *sender) update() {
	events := s.after(s.read)
	s.read += len(events)
	for _, e := range events {
		if e.Event == "sent" {
			s.sent[placeOf(e)] = e.Number
			p := e.Number / numbersEach
			last := append(s.recent[p], e.Broker)
			s.recent[p] = last[max(0, len(last)-aRound):]
		}
	}
}

// chooses waits until each producer chooses from these brokers.
func (s *sender) chooses(t *testing.T, brokers ...string) {
	t.Helper()
	s.await(t, fmt.Sprint("sending to ", brokers), rollingPatience, func() bool {
		s.update()
		for _, last := range s.recent {
			if len(last) < aRound || !slices.Equal(slices.Compact(slices.Sorted(slices.Values(last))), brokers) {
				return false
			}
		}
		return true
	})
}

// sendsMore waits until the producers have sent so many further messages.
func (s *sender) sendsMore(t *testing.T, count int) {
	t.Helper()
	s.update()
	want := len(s.sent) + count
	s.await(t, fmt.Sprint(count, " further messages sent"), rollingPatience, func() bool {
		s.update()
		return len(s.sent) >= want
	})
}

// A receiver is the only member of a consumer group, and what it has seen. A program may have several.
type receiver struct {
	*client
	group    string
	orderly  bool
	read     int             // events
	seen     map[place]int64 // numbers
	repeats  int
	inverted []event // came after one that they had to come before

	next   map[brokerQueue]int64   // offsets
	latest map[producerQueue]int64 // numbers
}

// producerQueue is what a producer sends to a queue, one after the other.
type producerQueue struct {
	queue    brokerQueue
	producer int64
}

func newReceiver(c *client, group string, orderly bool) *receiver {
	return &receiver{client: c, group: group, orderly: orderly, seen: map[place]int64{}, next: map[brokerQueue]int64{}, latest: map[producerQueue]int64{}}
}

// update takes what the consumer has said since the last time. In order are the messages of a queue that come by rising offsets without a
// gap, those of each producer, and so those of each key, by rising numbers. A message may come again. Between queues there is no order, not
// even for a key that moved from one to another.
func (r *receiver) update() {
	events := r.after(r.read)
	r.read += len(events)
	for _, e := range events {
		if e.Event != "message" || e.Group != r.group {
			continue
		}
		p := placeOf(e)
		if _, again := r.seen[p]; again {
			r.repeats++
			continue
		}
		r.seen[p] = e.Number
		from := producerQueue{p.queue, e.Number / numbersEach}
		if p.offset != r.next[p.queue] || e.Number < r.latest[from] {
			r.inverted = append(r.inverted, e)
		}
		r.next[p.queue], r.latest[from] = p.offset+1, e.Number
	}
}

// begins waits until a consumer has seen something.
func (r *receiver) begins(t *testing.T) {
	t.Helper()
	r.await(t, "a message", rollingPatience, func() bool {
		r.update()
		return len(r.seen) > 0
	})
}

// lacks are the messages that a consumer hasn't seen, or not as they were sent.
func (r *receiver) lacks(sent map[place]int64) (places []place) {
	r.update()
	for p, n := range sent {
		if got, ok := r.seen[p]; !ok || got != n {
			places = append(places, p)
		}
	}
	return places
}

// sees waits until a consumer has seen all these messages.
func (r *receiver) sees(t *testing.T, sent map[place]int64) {
	t.Helper()
	for end := time.Now().Add(rollingPatience); len(r.lacks(sent)) > 0; {
		select {
		case <-r.news:
		case <-r.exited:
			t.Fatalf("%s ended with %v\n%s", r.name, r.cmd.ProcessState, r.stderr.String())
		case <-time.After(time.Until(end)):
			lost := r.lacks(sent)
			t.Fatalf("%s lacks %d of %d messages, of them %+v\n%s", r.name, len(lost), len(sent), lost[0], r.stderr.String())
		}
	}
}

func TestAReceiverTellsLossAndDisorderFromRepeats(t *testing.T) {
	at := func(offset, number int64) event {
		return event{Event: "message", Group: "g", Broker: "b", Queue: 1, QueueOffset: offset, Number: number}
	}
	sent := map[place]int64{placeOf(at(0, 5)): 5, placeOf(at(1, 6)): 6, placeOf(at(2, numbersEach)): numbersEach}
	for name, c := range map[string]struct {
		events                   []event
		lacks, repeats, inverted int
	}{
		"all in order":               {[]event{at(0, 5), at(1, 6), at(2, numbersEach)}, 0, 0, 0},
		"one again":                  {[]event{at(0, 5), at(1, 6), at(0, 5), at(1, 6), at(2, numbersEach)}, 0, 2, 0},
		"one missing":                {[]event{at(0, 5), at(1, 6)}, 1, 0, 0},
		"another in its place":       {[]event{at(0, 5), at(1, 7), at(2, numbersEach)}, 1, 0, 0},
		"later than its neighbour":   {[]event{at(1, 6), at(0, 5), at(2, numbersEach)}, 0, 0, 3},
		"sent later, stored earlier": {[]event{at(0, 6), at(1, 5), at(2, numbersEach)}, 2, 0, 1},
		"another group's":            {[]event{{Event: "message", Group: "h", Broker: "b", Queue: 1}}, 3, 0, 0},
	} {
		r := newReceiver(&client{events: c.events}, "g", true)
		if lacks := len(r.lacks(sent)); lacks != c.lacks || r.repeats != c.repeats || len(r.inverted) != c.inverted {
			t.Errorf("%s: lacks %d, %d repeats, %d out of order, expected %d, %d, %d", name, lacks, r.repeats, len(r.inverted), c.lacks, c.repeats, c.inverted)
		}
	}
}
