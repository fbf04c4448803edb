package produce

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// traits are what a message's properties say to the broker. They are found in one pass, since every message is asked for all of them.
type traits struct {
	wait     bool   // its sender wants to know that it is flushed
	wants    string // what it asks for that this broker doesn't do
	level    int32  // delay level; 0: none
	badLevel bool   // its delay level is no number
	timed    bool   // it asks for any delay, which a level overrides
	unique   []byte // its sender's id for it
	keyed    bool   // it has keys
	inner    bool   // it says that it is an inner batch
	reserved bool   // it has properties that senders can't give
}

func look(properties []byte) traits {
	t := traits{wait: true}
	for name, value := range record.Pairs(properties) {
		switch string(name) {
		case record.PropWait:
			t.wait = isTrue(value)
		case record.PropDelayLevel:
			level, err := strconv.ParseInt(string(value), 10, 32)
			t.level, t.badLevel = int32(max(0, level)), err != nil
		case record.PropTimerDelaySec, record.PropTimerDelayMs, record.PropTimerDeliverMs:
			t.timed = true
		case record.PropTransactionPrepared:
			if isTrue(value) {
				t.wants = "transactions"
			}
		case record.PropUniqKey:
			t.unique = value
		case record.PropKeys:
			t.keyed = len(bytes.TrimSpace(value)) > 0
		case record.PropInnerNum:
			t.inner = true
		default:
			t.reserved = t.reserved || isReserved(name)
		}
	}
	if t.timed && t.level == 0 && t.wants == "" {
		t.wants = "messages with any delay, only delay levels"
	}
	return t
}

func isTrue(value []byte) bool { return strings.EqualFold(string(value), "true") }

var transientPrefix = []byte(record.PropTransientPrefix)

// isReserved tells whether a property is the broker's own: the handle of a message that was popped, and what is never stored.
func isReserved(name []byte) bool {
	return string(name) == record.PropPopCheckPoint || bytes.HasPrefix(name, transientPrefix)
}

// isTimer tells whether a property asks for any delay.
func isTimer(name []byte) bool {
	switch string(name) {
	case record.PropTimerDelaySec, record.PropTimerDelayMs, record.PropTimerDeliverMs:
		return true
	}
	return false
}

// without is a copy of the properties without those that drop picks.
func without(properties []byte, drop func(name []byte) bool) []byte {
	kept := make([]byte, 0, len(properties)+1)
	for name, value := range record.Pairs(properties) {
		if !drop(name) {
			kept = record.AppendProperty(kept, name, value)
		}
	}
	return kept
}
