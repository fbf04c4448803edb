package produce

import (
	"errors"
	"fmt"

	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// Request is a send as a client asks for it. Its slices are needed until Submit returns.
type Request struct {
	Topic          []byte
	QueueID        int32 // negative: any
	SysFlag, Flag  int32
	BornTimestamp  int64
	BornHost       record.Host
	Properties     []byte
	ReconsumeTimes int32
	MaxReconsume   int32 // of a message to a retry topic; negative: the group's
	Body           []byte
	Batch          bool // Body is a batch of messages
	DefaultTopic   []byte
	DefaultQueues  int32
	Unit           bool // the sender's unit mode, which a topic that it creates is marked with
	// UniqueID is set by Add: the id that the sender gave the message, or the broker where it gave none. It lies in Properties.
	UniqueID []byte
}

// Reason is why a message was not taken.
type Reason uint8

const (
	_ Reason = iota
	Failed
	NoTopic
	NoPermission
	IllegalName
	IllegalQueue
	IllegalMessage
	Unavailable  // another broker may take it
	Busy         // likewise, and this one in a moment
	FlushTimeout // it is stored all the same
	NotSupported
	NoGroup
)

// Refusal says why a message was not taken.
type Refusal struct {
	Reason Reason
	Remark string // what was found and what would help
}

func refuse(r Reason, format string, args ...any) *Refusal {
	return &Refusal{r, fmt.Sprintf(format, args...)}
}

// refusal is what an error of the store means to the sender.
func refusal(err error) *Refusal {
	r := reasonOf(err)
	switch r {
	case FlushTimeout:
		return refuse(r, "the message is stored, but not on disk in time: %v", err)
	case IllegalMessage:
		if errors.Is(err, record.ErrPropertiesTooLong) {
			return refuse(r, "the message is illegal, properties of %d bytes at most are possible, put what is large into the body: %v", record.MaxPropertiesLen, err)
		}
		return refuse(r, "the message is illegal, see maxMessageSize: %v", err)
	case Busy:
		return refuse(r, "%v", err)
	case Unavailable:
		return refuse(r, "service not available now: %v", err)
	default:
		return refuse(r, "%v", err)
	}
}

func reasonOf(err error) Reason {
	var busy *busyError
	switch {
	case errors.As(err, &busy):
		return Busy
	case errors.Is(err, commitlog.ErrFlushTimeout):
		return FlushTimeout
	case errors.Is(err, commitlog.ErrTooLarge), errors.Is(err, record.ErrPropertiesTooLong), errors.Is(err, record.ErrTopicTooLong):
		return IllegalMessage
	case errors.Is(err, store.ErrNoTopic):
		return NoTopic
	case errors.Is(err, commitlog.ErrRefused), errors.Is(err, commitlog.ErrFailed), errors.Is(err, commitlog.ErrClosed), errors.Is(err, vfs.ErrFull):
		return Unavailable
	default:
		return Failed
	}
}
