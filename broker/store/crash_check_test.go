package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/consumequeue"
)

// crashCheck compares an open store that nobody writes to with what was acknowledged. Everything that was and wasn't retired must be there,
// at its place. Messages that weren't acknowledged may be there, too, but then whole, once, and in order.
type crashCheck struct {
	s    *Store
	acks []ack

	messages map[int64]ack                      // in the log, by log offset
	queues   map[crashPlace][]consumequeue.Unit // of these messages, by queue
	lowest   map[crashPlace]int64               // the queue offset of the first of them
}

func (c *crashCheck) run() error {
	for _, check := range []func() error{c.readLog, c.compareQueues, c.findAcks, c.askIndex} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// readLog reads every record. In each queue numbers go up by one, and so do the serial numbers of its only writer, if by more.
func (c *crashCheck) readLog() error {
	log := c.s.Log
	if size := log.Max() - log.Min(); log.Min() > 0 && size < (crashKeep-1)*crashSegment {
		return fmt.Errorf("retention has left %d bytes of the log [%d,%d), expected %d at least", size, log.Min(), log.Max(), (crashKeep-1)*crashSegment)
	}
	c.messages, c.queues, c.lowest = map[int64]ack{}, map[crashPlace][]consumequeue.Unit{}, map[crashPlace]int64{}
	newest := map[crashPlace]int64{} // serial number of the last message of each queue
	for at := log.Min(); at < log.Max(); {
		n, blank, err := c.recordAt(at, newest)
		if err != nil {
			return fmt.Errorf("log offset %d of [%d,%d): %w", at, log.Min(), log.Max(), err)
		}
		if at += n; blank {
			at += crashSegment - at%crashSegment
		}
	}
	return nil
}

func (c *crashCheck) recordAt(at int64, newest map[crashPlace]int64) (n int64, blank bool, err error) {
	v, err := c.s.Log.ViewUpTo(at, c.s.Log.Max(), math.MaxInt32)
	if err != nil {
		return 0, false, err
	}
	defer v.Release()
	size, kind, err := record.Verify(v.Bytes(), at, record.Check{BodyCRC: true, RecordCRC: true})
	if err != nil || kind == record.Blank {
		return 0, true, err
	}
	var r record.Record
	if err := record.Decode(v.Bytes()[:size], &r); err != nil {
		return 0, false, err
	}
	end := len(r.Body) - 4
	if end < 8 || binary.BigEndian.Uint32(r.Body[end:]) != crc32.ChecksumIEEE(r.Body[:end]) {
		return 0, false, fmt.Errorf("body %x isn't one that was stored", r.Body)
	}
	serial := int64(binary.BigEndian.Uint64(r.Body))
	place, err := placeOf(&r)
	if err != nil {
		return 0, false, fmt.Errorf("topic %q: %w", r.Topic, err)
	}
	if first, ok := c.lowest[place]; !ok {
		c.lowest[place] = r.QueueOffset
	} else if want := first + int64(len(c.queues[place])); r.QueueOffset != want {
		return 0, false, fmt.Errorf("queue offset %d in %v, expected %d", r.QueueOffset, place, want)
	}
	if serial <= newest[place] {
		return 0, false, fmt.Errorf("serial number %x in %v, behind %x", serial, place, newest[place])
	}
	newest[place] = serial
	c.messages[at] = ack{place, r.QueueOffset, at, serial}
	c.queues[place] = append(c.queues[place], consumequeue.Unit{LogOffset: at, Size: r.Size, TagCode: record.TagCode([]byte(crashTag(serial)))})
	return int64(size), false, nil
}

// doomed tells whether a message may have been given up by a retention pass that the process died in: the followers hear of a pass
// before the log's files go.
func (c *crashCheck) doomed(logOffset int64) bool {
	return logOffset < c.s.Log.Min()+crashPass*crashSegment
}

// compareQueues fails unless each queue has exactly the messages that the log has for it.
func (c *crashCheck) compareQueues() error {
	for topic := range int32(crashTopics) {
		for id := range int32(crashQueues) {
			place := crashPlace{topic, id}
			q, want := c.s.Queue(place.name(), id), c.queues[place]
			lowest, next := q.Bounds()
			for ; len(want) > 0 && c.lowest[place] < lowest && c.doomed(want[0].LogOffset); c.lowest[place]++ {
				want = want[1:]
			}
			if next-lowest != int64(len(want)) || len(want) > 0 && lowest != c.lowest[place] {
				return fmt.Errorf("%v holds [%d,%d), expected the %d messages from %d on", place, lowest, next, len(want), c.lowest[place])
			}
			got := make([]consumequeue.Unit, len(want))
			for n := 0; n < len(got); {
				k, err := q.Read(got[n:], lowest+int64(n))
				if err != nil || k == 0 {
					return fmt.Errorf("%v: read %d of %d units: %w", place, n, len(got), err)
				}
				n += k
			}
			for i, u := range got {
				if u != want[i] {
					return fmt.Errorf("%v: queue offset %d has %+v, expected %+v", place, lowest+int64(i), u, want[i])
				}
			}
		}
	}
	return nil
}

// findAcks fails unless what was acknowledged is at its place, or retired: then the queue's numbers go on behind it.
func (c *crashCheck) findAcks() error {
	for _, a := range c.acks {
		_, next := c.s.Queue(a.name(), a.Queue).Bounds()
		if a.QueueOffset >= next {
			return fmt.Errorf("%v ends at %d: the acknowledged message %+v is lost", a.crashPlace, next, a)
		}
		if a.LogOffset < c.s.Log.Min() {
			continue
		}
		if m := c.messages[a.LogOffset]; m != a {
			return fmt.Errorf("%v: the acknowledged message %+v is lost; in its place the log has %+v", a.crashPlace, a, m)
		}
	}
	return nil
}

// askIndex fails unless the index finds some of the acknowledged messages by each of their keys.
func (c *crashCheck) askIndex() error {
	for range min(50, len(c.acks)) {
		a := c.acks[rand.IntN(len(c.acks))]
		if c.doomed(a.LogOffset) {
			continue
		}
		for kind, key := range map[KeyKind]string{UniqueKey: uniqueKey(a.Serial), UserKey: "order-" + itoa(a.Serial%1000), TagKey: crashTag(a.Serial)} {
			found, err := c.s.Query(a.name(), key, kind, 0, math.MaxInt64, 1<<20)
			if err != nil {
				return err
			}
			there := false
			for _, f := range found {
				there = there || f.LogOffset == a.LogOffset
			}
			if !there {
				return fmt.Errorf("%v: the index doesn't find the acknowledged message %+v by %q, but %d others", a.crashPlace, a, key, len(found))
			}
		}
	}
	return nil
}
