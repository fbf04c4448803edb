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

	pullCommit       = 1 << 0 // bits of a pull's system flag: what is before the offset has been consumed
	pullSuspend      = 1 << 1 // hold the pull while there is nothing
	pullSubscription = 1 << 2 // the pull carries the subscription
)

// pullFrame is a frame that pulls from one queue, up to the offset. The opaque stands at the end, where its place may move.
type pullFrame struct {
	head    []byte
	groupAt int // where the group's number ends, if there are several
}

// groupDigits is how many digits the number of one of several groups has.
const groupDigits = 6

// newPullFrame builds the frame for one queue, which groups consume in turn. Where there are several, each pull commits its offset.
// The broker may hold the pull for so long while there is nothing.
func newPullFrame(topic string, queueID, messages, groups int, suspend time.Duration) *pullFrame {
	flag := pullSubscription
	if suspend > 0 {
		flag |= pullSuspend
	}
	b := fmt.Appendf(make([]byte, 8), `{"code":%d,"language":"GO","version":%d`, codePull, clientVersion)
	b = append(b, `,"flag":0,"remark":"","extFields":{"consumerGroup":"bench-consumer`...)
	groupAt := 0
	if groups > 1 {
		b = fmt.Appendf(b, "-%0*d", groupDigits, 0)
		groupAt = len(b)
		flag |= pullCommit
	}
	b = append(b, `","topic":`...)
	b = appendString(b, topic)
	b = fmt.Appendf(b, `,"queueId":"%d","maxMsgNums":"%d","sysFlag":"%d","suspendTimeoutMillis":"%d",`+
		`"subscription":"*","subVersion":"0","expressionType":"TAG","commitOffset":"`, queueID, messages, flag, suspend.Milliseconds())
	return &pullFrame{head: b, groupAt: groupAt}
}

// appendTo appends the frame as the pull with that opaque from that offset on, by the group of that number.
func (f *pullFrame) appendTo(dst []byte, opaque int32, offset int64, group int) []byte {
	at := len(dst)
	dst = append(dst, f.head...)
	committed := int64(0)
	if f.groupAt > 0 {
		committed = offset
		for i := at + f.groupAt - 1; group > 0; i-- {
			dst[i] = byte('0' + group%10)
			group /= 10
		}
	}
	dst = strconv.AppendInt(dst, committed, 10)
	dst = append(dst, `","queueOffset":"`...)
	dst = strconv.AppendInt(dst, offset, 10)
	dst = append(dst, `"},"opaque":`...)
	dst = strconv.AppendInt(dst, int64(opaque), 10)
	dst = append(dst, '}')
	closeFrame(dst[at:], nil)
	return dst
}
