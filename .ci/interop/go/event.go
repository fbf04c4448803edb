package main

import (
	"encoding/json"
	"os"
	"sync"
)

// event is a line of output. Fields that an event doesn't have are left out.
type event struct {
	Event string `json:"event"` // queue, topic, ready, sent, message, progress, done

	Number      int64  `json:"number"` // of the message, in its body
	Topic       string `json:"topic,omitempty"`
	Broker      string `json:"broker,omitempty"` // its name
	Group       string `json:"group,omitempty"`  // of the consumer
	Queue       int    `json:"queue"`
	QueueOffset int64  `json:"queueOffset"`
	MsgID       string `json:"msgId,omitempty"`       // the client's
	OffsetMsgID string `json:"offsetMsgId,omitempty"` // the broker's
	Tag         string `json:"tag,omitempty"`
	Reconsumed  int32  `json:"reconsumed,omitempty"`
	Micros      int64  `json:"micros,omitempty"` // since before the send: until it was acknowledged, until the consumer had it

	// Of progress and done.
	Sent       int64   `json:"sent,omitempty"` // and acknowledged
	Failed     int64   `json:"failed,omitempty"`
	Distinct   int64   `json:"distinct,omitempty"`
	Duplicates int64   `json:"duplicates,omitempty"`
	Damaged    int64   `json:"damaged,omitempty"`
	Next       int64   `json:"next,omitempty"`
	Min        int64   `json:"min,omitempty"`
	Max        int64   `json:"max,omitempty"`
	Status     int     `json:"status,omitempty"`
	Seconds    float64 `json:"seconds,omitempty"`
}

// output writes events of many goroutines.
type output struct {
	mu  sync.Mutex // guards enc
	enc *json.Encoder
}

func newOutput() *output { return &output{enc: json.NewEncoder(os.Stdout)} }

func (o *output) emit(e event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	// The only failure is a reader who has gone, which closes standard input, too.
	_ = o.enc.Encode(e)
}
