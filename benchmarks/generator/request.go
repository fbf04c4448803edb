package generator

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
)

const (
	codeSendMessageV2 = 310
	codeCreateTopic   = 17

	// clientVersion is what the Go client of RocketMQ 4 and 5 says in every request.
	clientVersion = 317

	firstOpaque = 1_000_000_000 // ten digits from here on, see sendFrame
	opaqueSpan  = 1_000_000_000
)

// sendFrame is a complete frame that sends one message to one queue. Opaque, birth time and the counting part of the
// unique key have a fixed width and place, so that a copy becomes another send by patching them.
type sendFrame struct {
	bytes    []byte
	opaqueAt int // 10 decimal digits
	bornAt   int // 13 decimal digits
	keyAt    int // 12 hexadecimal digits
}

// newSendFrame builds the frame for one queue. keyPrefix are the first 20 digits of the unique key.
func newSendFrame(topic string, queueID, queues int, keyPrefix string, body []byte) *sendFrame {
	f := &sendFrame{}
	b := appendHead(nil, codeSendMessageV2)
	f.opaqueAt = len(b)
	b = append(b, strconv.Itoa(firstOpaque)...)
	b = append(b, `,"flag":0,"remark":"","extFields":{"a":"bench-producer","b":`...)
	b = appendString(b, topic)
	b = append(b, `,"c":"TBW102","d":"`...)
	b = strconv.AppendInt(b, int64(queues), 10)
	b = append(b, `","e":"`...)
	b = strconv.AppendInt(b, int64(queueID), 10)
	b = append(b, `","f":"0","g":"`...)
	f.bornAt = len(b)
	b = append(b, `0000000000000","h":"0","i":"UNIQ_KEY\u0001`...)
	b = append(b, keyPrefix...)
	f.keyAt = len(b)
	b = append(b, `000000000000\u0002WAIT\u0001true\u0002","j":"0","k":"false","l":"0","m":"false","n":""}}`...)
	f.bytes = closeFrame(b, body)
	return f
}

// appendTo appends the frame as the send with that opaque, birth time (ms since 1970) and number on its connection.
func (f *sendFrame) appendTo(dst []byte, opaque int32, born int64, seq uint64) []byte {
	at := len(dst)
	dst = append(dst, f.bytes...)
	putDecimal(dst[at+f.opaqueAt:][:10], uint64(opaque))
	putDecimal(dst[at+f.bornAt:][:13], uint64(born))
	putHex(dst[at+f.keyAt:][:12], seq)
	return dst
}

// createTopicFrame asks the broker to create the topic, or to change it, with that many queues to write and read.
func createTopicFrame(opaque int32, topic string, queues int) []byte {
	b := appendHead(nil, codeCreateTopic)
	b = strconv.AppendInt(b, int64(opaque), 10)
	b = append(b, `,"flag":0,"remark":"","extFields":{"topic":`...)
	b = appendString(b, topic)
	b = fmt.Appendf(b, `,"defaultTopic":"TBW102","readQueueNums":"%d","writeQueueNums":"%d","perm":"6",`+
		`"topicFilterType":"SINGLE_TAG","topicSysFlag":"0","order":"false"}}`, queues, queues)
	return closeFrame(b, nil)
}

// appendHead leaves room for the two lengths and opens the header up to the opaque's digits.
func appendHead(b []byte, code int) []byte {
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	return fmt.Appendf(b, `{"code":%d,"language":"GO","version":%d,"opaque":`, code, clientVersion)
}

// closeFrame fills in the lengths of b, which holds room for them and the header, and appends the body.
func closeFrame(b, body []byte) []byte {
	headerBytes := len(b) - 8
	b = append(b, body...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	binary.BigEndian.PutUint32(b[4:], uint32(headerBytes)) // type 0, JSON, in the top byte
	return b
}

func appendString(b []byte, s string) []byte {
	quoted, _ := json.Marshal(s) // a string always has a form in JSON
	return append(b, quoted...)
}

func putDecimal(dst []byte, v uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = '0' + byte(v%10)
		v /= 10
	}
}

func putHex(dst []byte, v uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = "0123456789ABCDEF"[v&15]
		v >>= 4
	}
}
