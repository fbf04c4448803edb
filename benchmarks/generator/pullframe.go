package generator

import (
	"fmt"
	"strconv"
	"time"
)

const (
	codePull         = 11
	codePullNotFound = 19 // no messages yet
	codePullRetry    = 20 // none that the subscription lets pass, or they are being removed
	codePullMoved    = 21 // the offset is outside of the queue

	// pullMessages is how many messages one pull asks for: what RocketMQ's clients ask for.
	pullMessages = 32

	pullSuspend      = 1 << 1 // bits of a pull's system flag: hold the pull while there is nothing
	pullSubscription = 1 << 2 // the pull carries the subscription
)

// pullFrame is a frame that pulls from one queue, up to the offset. The opaque stands at the end, where its place may move.
type pullFrame struct{ head []byte }

// newPullFrame builds the frame for one queue. The broker may hold the pull for so long while there is nothing.
func newPullFrame(topic string, queueID, messages int, suspend time.Duration) *pullFrame {
	flag := pullSubscription
	if suspend > 0 {
		flag |= pullSuspend
	}
	b := fmt.Appendf(make([]byte, 8), `{"code":%d,"language":"GO","version":%d`, codePull, clientVersion)
	b = append(b, `,"flag":0,"remark":"","extFields":{"consumerGroup":"bench-consumer","topic":`...)
	b = appendString(b, topic)
	b = fmt.Appendf(b, `,"queueId":"%d","maxMsgNums":"%d","sysFlag":"%d","commitOffset":"0","suspendTimeoutMillis":"%d",`+
		`"subscription":"*","subVersion":"0","expressionType":"TAG","queueOffset":"`, queueID, messages, flag, suspend.Milliseconds())
	return &pullFrame{head: b}
}

// appendTo appends the frame as the pull with that opaque from that offset on.
func (f *pullFrame) appendTo(dst []byte, opaque int32, offset int64) []byte {
	at := len(dst)
	dst = append(dst, f.head...)
	dst = strconv.AppendInt(dst, offset, 10)
	dst = append(dst, `"},"opaque":`...)
	dst = strconv.AppendInt(dst, int64(opaque), 10)
	dst = append(dst, '}')
	closeFrame(dst[at:], nil)
	return dst
}
