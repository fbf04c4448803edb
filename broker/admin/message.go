package admin

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// Message is a message as a broker has stored it.
type Message struct {
	ID             string            `json:"msgId"`       // that its producer gave it; the offset id if it gave none
	OffsetID       string            `json:"offsetMsgId"` // says which broker has it where
	Topic          string            `json:"topic"`
	QueueID        int32             `json:"queueId"`
	QueueOffset    int64             `json:"queueOffset"`
	LogOffset      int64             `json:"commitLogOffset"`
	Flag           int32             `json:"flag"`
	SysFlag        int32             `json:"sysFlag"`
	BornTimestamp  int64             `json:"bornTimestamp"` // ms
	BornHost       string            `json:"bornHost"`
	StoreTimestamp int64             `json:"storeTimestamp"` // ms
	StoreHost      string            `json:"storeHost"`
	ReconsumeTimes int32             `json:"reconsumeTimes"`
	Properties     map[string]string `json:"properties"`
	BodySize       int               `json:"bodySize"`             // bytes
	Body           string            `json:"body,omitempty"`       // if it is text in UTF-8
	BodyBase64     []byte            `json:"bodyBase64,omitempty"` // if it isn't
	BodyError      string            `json:"bodyError,omitempty"`  // why a compressed body is shown as it is stored
}

// Tags, Keys are properties of it, empty if it has none.
func (m *Message) Tags() string { return m.Properties[record.PropTags] }
func (m *Message) Keys() string { return m.Properties[record.PropKeys] }

// HasKey tells whether key is among the message's keys.
func (m *Message) HasKey(key string) bool {
	for k := range strings.SplitSeq(m.Keys(), " ") {
		if k == key {
			return true
		}
	}
	return false
}

// decodeMessages reads the records that a broker answers with. A damaged one ends them: those before it are returned with the error.
func decodeMessages(body []byte) ([]Message, error) {
	var all []Message
	for len(body) > 0 {
		var r record.Record
		if err := record.Decode(body, &r); err != nil {
			return all, fmt.Errorf("admin: message %d of an answer: %w", len(all), err)
		}
		all = append(all, newMessage(&r))
		body = body[r.Size:]
	}
	return all, nil
}

func newMessage(r *record.Record) Message {
	m := Message{
		OffsetID: string(record.AppendMessageID(nil, r.StoreHost, r.LogOffset)),
		Topic:    string(r.Topic), QueueID: r.QueueID, QueueOffset: r.QueueOffset, LogOffset: r.LogOffset, Flag: r.Flag, SysFlag: r.SysFlag,
		BornTimestamp: r.BornTimestamp, BornHost: hostText(r.BornHost), StoreTimestamp: r.StoreTimestamp, StoreHost: hostText(r.StoreHost),
		ReconsumeTimes: r.ReconsumeTimes, Properties: record.ParseMap(r.Properties),
	}
	if m.ID = m.Properties[record.PropUniqKey]; m.ID == "" {
		m.ID = m.OffsetID
	}
	body, err := plainBody(r.Body, r.SysFlag)
	if err != nil {
		body, m.BodyError = r.Body, err.Error()
	}
	m.setBody(body)
	return m
}

func hostText(h record.Host) string {
	return net.JoinHostPort(h.IP.Unmap().String(), strconv.Itoa(int(h.Port)))
}

func (m *Message) setBody(body []byte) {
	m.BodySize = len(body)
	if utf8.Valid(body) {
		m.Body = string(body)
	} else {
		m.BodyBase64 = append([]byte(nil), body...)
	}
}

// body is what setBody was given.
func (m *Message) body() []byte {
	if m.BodyBase64 != nil {
		return m.BodyBase64
	}
	return []byte(m.Body)
}

// missing tells whether a broker that was asked for a message has none. Java has no code of its own for that.
func missing(answer *remoting.Response) bool {
	return answer.Code == remoting.RespQueryNotFound || answer.Code == remoting.RespSystemError && strings.Contains(answer.Remark, "can not find message")
}
