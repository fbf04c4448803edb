package handler

import (
	"time"

	"github.com/gantry-mq/gantry/broker/remoting"
)

// Bits of a pull request's sysFlag.
const (
	pullCommitOffset = 1 << 0 // commit commitOffset first
	pullSuspend      = 1 << 1 // hold the request when there is nothing
	pullSubscription = 1 << 2 // the request carries the subscription
)

// pullRequest is what a pull asks for. Its slices lie in the connection's buffer.
type pullRequest struct {
	topic, group        []byte
	subscription, kind  []byte // its type: TAG or SQL92
	queueID, flags      int32
	messages, bytes     int32 // at most
	from, commit        int64
	subscriptionVersion int64
	suspend             int64 // ms
}

func parsePull(r *pullRequest, f remoting.Fields) error {
	r.queueID = -1
	for i, x := range f {
		var err error
		one := f[i : i+1] // whose methods say what is wrong
		switch string(x.Key) {
		case "topic":
			r.topic = x.Value
		case "consumerGroup":
			r.group = x.Value
		case "subscription":
			r.subscription = x.Value
		case "expressionType":
			r.kind = x.Value
		case "queueId":
			r.queueID, err = one.Int32("queueId", 0)
		case "sysFlag":
			r.flags, err = one.Int32("sysFlag", 0)
		case "maxMsgNums":
			r.messages, err = one.Int32("maxMsgNums", 0)
		case "maxMsgBytes":
			r.bytes, err = one.Int32("maxMsgBytes", 0)
		case "queueOffset":
			r.from, err = one.Int64("queueOffset", 0)
		case "commitOffset":
			r.commit, err = one.Int64("commitOffset", 0)
		case "subVersion":
			r.subscriptionVersion, err = one.Int64("subVersion", 0)
		case "suspendTimeoutMillis":
			r.suspend, err = one.Int64("suspendTimeoutMillis", 0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// maxHold bounds how long a pull is held.
const maxHold = 5 * time.Minute

// hold is how long the pull may be held.
func (r *pullRequest) hold(h *Handler) time.Duration {
	switch {
	case r.flags&pullSuspend == 0:
		return 0
	case !h.Config.Load().LongPolling:
		return h.Config.Load().ShortPolling
	}
	return time.Duration(min(max(0, r.suspend), maxHold.Milliseconds())) * time.Millisecond
}
