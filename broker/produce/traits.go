package produce

import (
	"bytes"
	"strings"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// traits are what a message's properties say to the broker. They are found in one pass, since every message is asked for all of them.
type traits struct {
	wait     bool   // its sender wants to know that it is flushed
	wants    string // what it asks for that this broker doesn't do
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
			if value[0] != '-' && string(value) != "0" {
				t.wants = "delay levels"
			}
		case record.PropTimerDelaySec, record.PropTimerDelayMs, record.PropTimerDeliverMs:
			t.wants = "delayed messages"
		case record.PropTransactionPrepared:
			if isTrue(value) {
				t.wants = "transactions"
			}
		case record.PropInnerNum:
			t.inner = true
		default:
			t.reserved = t.reserved || isReserved(name)
		}
	}
	return t
}

func isTrue(value []byte) bool { return strings.EqualFold(string(value), "true") }

var transientPrefix = []byte(record.PropTransientPrefix)

// isReserved tells whether a property is the broker's own: the handle of a message that was popped, and what is never stored.
func isReserved(name []byte) bool {
	return string(name) == record.PropPopCheckPoint || bytes.HasPrefix(name, transientPrefix)
}

// withoutReserved is a copy without the properties that senders can't give.
func withoutReserved(properties []byte) []byte {
	kept := make([]byte, 0, len(properties)+1)
	for name, value := range record.Pairs(properties) {
		if !isReserved(name) {
			kept = record.AppendProperty(kept, name, value)
		}
	}
	return kept
}
