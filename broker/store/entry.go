package store

import (
	"bytes"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// Entry is a record as the followers of the log see it. Its slices alias what it was made from and are valid until Follow returns.
type Entry struct {
	LogOffset      int64
	Size           int32
	QueueID        int32
	QueueOffset    int64
	SysFlag        int32
	StoreTimestamp int64 // ms since 1970
	Topic          []byte

	// Of the properties, what followers ask for; nil when absent.
	Tags, Keys, UniqueKey []byte
	delay                 []byte // level of a message in the schedule topic
	innerNum              []byte
	multiQueues           []byte
	multiOffsets          []byte

	// Queue is the record's own queue; nil if the record takes no place in one.
	Queue *Queue
	// Dead says that the record belongs to a topic that was deleted, of whose name there may be another one now.
	Dead bool
}

// End is the log offset behind the record.
func (e *Entry) End() int64 { return e.LogOffset + int64(e.Size) }

// Transaction is the transaction type, one of record.SysTransaction….
func (e *Entry) Transaction() int32 { return e.SysFlag & record.SysTransactionMask }

// queued tells whether the record takes a place in its queue: half messages and roll-backs don't (those that the
// transaction service stores are of type none, and do).
func (e *Entry) queued() bool {
	t := e.Transaction()
	return t == 0 || t == record.SysTransactionCommit
}

// set fills the entry from a decoded record.
func (e *Entry) set(r *record.Record) {
	*e = Entry{
		LogOffset: r.LogOffset, Size: r.Size, QueueID: r.QueueID, QueueOffset: r.QueueOffset, SysFlag: r.SysFlag,
		StoreTimestamp: r.StoreTimestamp, Topic: r.Topic,
	}
	e.look(r.Properties)
}

// look finds what followers ask for: it does what record.Pairs does, without a look into the properties that nobody asks for, which are most.
func (e *Entry) look(props []byte) {
	for len(props) > 0 {
		var item []byte
		item, props, _ = bytes.Cut(props, pairEnd)
		if len(item) == 0 {
			continue
		}
		switch item[0] {
		case record.PropTags[0]:
			take(&e.Tags, item, record.PropTags)
		case record.PropKeys[0]:
			take(&e.Keys, item, record.PropKeys)
		case record.PropUniqKey[0]:
			take(&e.UniqueKey, item, record.PropUniqKey)
		case record.PropDelayLevel[0]:
			take(&e.delay, item, record.PropDelayLevel)
		case record.PropInnerNum[0]:
			take(&e.innerNum, item, record.PropInnerNum)
			take(&e.multiQueues, item, record.PropMultiDispatch)
			take(&e.multiOffsets, item, record.PropMultiQueueOffset)
		}
	}
}

// take sets dst to the value of a serialised pair if it has the name and a value.
func take(dst *[]byte, item []byte, name string) {
	if n := len(name); len(item) > n+1 && item[n] == nameEnd && string(item[:n]) == name {
		*dst = item[n+1:]
	}
}

// Serialised properties are name, nameEnd, value, pairEnd.
const nameEnd = 0x01

var pairEnd = []byte{0x02}

// tagCode is what the queue unit says of the message beside its place: the hash of its tags or, in the schedule
// topic, when it is due.
func (e *Entry) tagCode(delays []time.Duration) int64 {
	if len(e.delay) > 0 && string(e.Topic) == record.TopicSchedule {
		if level, err := strconv.Atoi(string(e.delay)); err == nil && level > 0 {
			return e.StoreTimestamp + delayOf(delays, level).Milliseconds()
		}
	}
	if len(e.Tags) == 0 {
		return 0
	}
	return record.TagCode(e.Tags)
}

// delayOf is the delay of a level, counted from 1; levels beyond the table are the last one, and without a table it is a second.
func delayOf(delays []time.Duration, level int) time.Duration {
	if len(delays) == 0 {
		return time.Second
	}
	return delays[min(level, len(delays))-1]
}

// light goes through the light queues that the record stands in beside its own (multi-dispatch): their names, valid for as long
// as the entry, and the record's queue offset in each. Names that can't be a directory's are passed over, as the peer does, and so
// is the whole of two lists that don't match.
func (e *Entry) light() iter.Seq2[[]byte, int64] {
	return func(yield func([]byte, int64) bool) {
		names, offsets := e.multiQueues, e.multiOffsets
		if !areLight(names) || !dispatchesMulti(e.Topic, e.SysFlag) || bytes.Count(names, comma) != bytes.Count(offsets, comma) {
			return
		}
		for len(names) > 0 {
			var name, offset []byte
			name, names, _ = bytes.Cut(names, comma)
			offset, offsets, _ = bytes.Cut(offsets, comma)
			n, err := strconv.ParseInt(string(offset), 10, 64)
			usable := err == nil && len(name) <= maxLightName && bytes.IndexByte(name, '/') < 0
			if usable && !yield(name, n) {
				return
			}
		}
	}
}

// dispatchesMulti tells whether the messages of a topic may stand in light queues. Inner batches may not: whatever a client
// wrote into their properties, nobody has numbered them there.
func dispatchesMulti[T ~string | ~[]byte](topic T, sysFlag int32) bool {
	t := string(topic)
	return sysFlag&record.SysInnerBatch == 0 && !strings.HasPrefix(t, record.RetryPrefix) && !strings.HasPrefix(t, record.DLQPrefix) &&
		!strings.HasPrefix(t, record.SystemTopicPrefix) && t != record.TopicSchedule
}

// areLight tells whether a list of names has any, and only names of light queues. With another among them a message is not
// multi-dispatched at all: the peer would leave that one's number empty, and a client could write the others' itself.
func areLight(names []byte) bool {
	for more := true; more; {
		var name []byte
		if name, names, more = bytes.Cut(names, comma); !bytes.HasPrefix(name, lightPrefix) {
			return false
		}
	}
	return true
}

// maxLightName is the longest name that a directory can have.
const maxLightName = 255

var (
	comma       = []byte{','}
	lightPrefix = []byte(record.LMQPrefix)
)
