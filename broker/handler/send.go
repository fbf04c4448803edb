package handler

import (
	"time"

	"github.com/gantry-mq/gantry/broker/produce"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/commitlog/record"
)

// sends are the send requests of one read of a connection. They are stored by one append and answered by one write.
type sends struct {
	h       *Handler
	conn    *remoting.Conn
	batch   *produce.Batch
	tickets []remoting.Ticket
	born    record.Host
	unique  []byte // the senders' ids of the messages, back to back; they are answered when the request is gone
	ends    []int  // where each ends there
	ids     []byte
	began   time.Time

	later    func() // answerLater, bound once
	announce func() // Store.Announce of the batch, bound once
}

// keptIDs is how many bytes of ids sends keep the memory of: those of a read of ordinary messages.
const keptIDs = 256 << 10

func newSends(h *Handler) *sends {
	s := &sends{h: h, batch: produce.NewBatch()}
	s.later = s.answerLater
	s.announce = func() { h.Store.Announce(s.batch.Drafts()) }
	return s
}

func (s *sends) add(c *remoting.Conn, cmd *remoting.Command) {
	if s.conn != c {
		s.conn = c
		s.born = hostOf(c)
	}
	var r produce.Request
	parseSend(&r, cmd)
	r.BornHost = s.born
	s.tickets = append(s.tickets, cmd.Ticket())
	s.h.Produce.Add(s.batch, &r)
	s.unique = append(s.unique, r.UniqueID...)
	s.ends = append(s.ends, len(s.unique))
}

// uniqueID is the sender's id of request i, empty for one that was refused or has none.
func (s *sends) uniqueID(i int) []byte {
	from := 0
	if i > 0 {
		from = s.ends[i-1]
	}
	return s.unique[from:s.ends[i]]
}

func hostOf(c *remoting.Conn) record.Host {
	a := c.RemoteAddr()
	return record.Host{IP: a.Addr(), Port: int32(a.Port())}
}

// submit stores the batch. It returns which one of the two is answered now, the caller's to free; the other one is, or will be when it is
// answered.
func (s *sends) submit(before *sends) *sends {
	s.began = time.Now()
	if !s.h.Produce.Submit(s.batch, s.later) {
		return before
	}
	s.answer()
	if before != nil {
		before.free()
	}
	return s
}

// answerLater answers on the goroutine of a flush.
func (s *sends) answerLater() {
	c := s.conn
	s.answer()
	s.free()
	c.FlushHere()
}

// answer answers all requests of the batch.
func (s *sends) answer() {
	c := s.conn
	var counted puts
	for i := range s.batch.Len() {
		stored, refused := s.batch.Stored(i)
		switch {
		case refused == nil:
			counted.add(&s.h.stats, stored)
			s.reply(i, remoting.RespSuccess, "", stored)
		case refused.Reason == produce.FlushTimeout:
			// Clients want to know where it is: for them it is sent.
			counted.add(&s.h.stats, stored)
			s.reply(i, remoting.RespFlushDiskTimeout, refused.Remark, stored)
		default:
			s.h.stats.Refused.Add(1)
			w := c.Reply(s.tickets[i], sendCode(refused.Reason), refused.Remark)
			w.Fixed(s.h.sent)
			w.End()
		}
	}
	counted.count(&s.h.stats)
	s.h.stats.PutTime.Observe(time.Since(s.began), int64(s.batch.Len()))
}

// free gives the batch up.
func (s *sends) free() {
	s.batch.Reset()
	s.tickets, s.unique, s.ends = s.tickets[:0], s.unique[:0], s.ends[:0]
	if cap(s.unique) > keptIDs {
		s.unique = nil
	}
	s.conn = nil
	s.h.sends.Put(s)
}

func (s *sends) reply(i int, code int32, remark string, stored []record.Draft) {
	s.ids = s.ids[:0]
	for k := range stored {
		if k > 0 {
			s.ids = append(s.ids, ',')
		}
		s.ids = record.AppendMessageID(s.ids, stored[k].StoreHost, stored[k].LogOffset)
	}
	w := s.conn.Reply(s.tickets[i], code, remark)
	w.Bytes("msgId", s.ids)
	w.Int("queueId", int64(s.batch.QueueID(i)))
	w.Int("queueOffset", stored[0].QueueOffset)
	if unique := s.uniqueID(i); len(unique) > 0 {
		w.Bytes("transactionId", unique)
		if stored[0].SysFlag&record.SysInnerBatch != 0 {
			w.Bytes("batchUniqId", unique) // all its messages go by it
		}
	}
	w.Fixed(s.h.sent)
	w.End()
}

// parseSend reads a send request. A number that can't be read counts as absent, as with the peer; what is wrong with the message then shows when it is checked.
func parseSend(r *produce.Request, cmd *remoting.Command) {
	r.MaxReconsume = -1
	r.Body = cmd.Body
	switch cmd.Code {
	case remoting.CodeSendMessage, remoting.CodeSendReplyMessage:
		for _, f := range cmd.Fields {
			setSendField(r, longSendNames[string(f.Key)], f.Value)
		}
	default:
		for _, f := range cmd.Fields {
			if len(f.Key) == 1 {
				setSendField(r, f.Key[0], f.Value)
			}
		}
		r.Batch = r.Batch || cmd.Code == remoting.CodeSendBatchMessage
	}
	if cmd.Version < remoting.Version349 {
		r.MaxReconsume = -1 // older clients have put something else there
	}
}

// longSendNames are the fields of SEND_MESSAGE by the letters that stand for them in SEND_MESSAGE_V2.
var longSendNames = map[string]byte{
	"topic": 'b', "defaultTopic": 'c', "defaultTopicQueueNums": 'd', "queueId": 'e', "sysFlag": 'f', "bornTimestamp": 'g',
	"flag": 'h', "properties": 'i', "reconsumeTimes": 'j', "unitMode": 'k', "maxReconsumeTimes": 'l', "batch": 'm',
}

func setSendField(r *produce.Request, letter byte, v []byte) {
	switch letter {
	case 'b':
		r.Topic = v
	case 'c':
		r.DefaultTopic = v
	case 'd':
		r.DefaultQueues = int32Of(v)
	case 'e':
		r.QueueID = int32Of(v)
	case 'f':
		r.SysFlag = int32Of(v)
	case 'g':
		r.BornTimestamp, _ = remoting.ParseInt(v)
	case 'h':
		r.Flag = int32Of(v)
	case 'i':
		r.Properties = v
	case 'j':
		r.ReconsumeTimes = int32Of(v)
	case 'k':
		r.Unit, _ = remoting.ParseBool(v)
	case 'l':
		r.MaxReconsume = int32Of(v)
	case 'm':
		r.Batch, _ = remoting.ParseBool(v)
	}
}

func int32Of(v []byte) int32 {
	n, _ := remoting.ParseInt(v)
	return int32(n)
}

func sendCode(r produce.Reason) int32 {
	switch r {
	case produce.NoTopic:
		return remoting.RespTopicNotExist
	case produce.NoPermission:
		return remoting.RespNoPermission
	case produce.IllegalName, produce.IllegalQueue:
		return remoting.RespInvalidParameter
	case produce.IllegalMessage:
		return remoting.RespMessageIllegal
	case produce.Busy:
		return remoting.RespSystemBusy
	case produce.Unavailable:
		return remoting.RespServiceNotAvailable
	case produce.FlushTimeout:
		return remoting.RespFlushDiskTimeout
	case produce.NotSupported:
		return remoting.RespRequestCodeNotSupported
	case produce.NoGroup:
		return remoting.RespSubscriptionGroupNotExist
	default:
		return remoting.RespSystemError
	}
}
