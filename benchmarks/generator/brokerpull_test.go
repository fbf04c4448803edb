package generator

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// heldPull is a pull that waits for a message.
type heldPull struct {
	conn *fakeConn
	request
	over *time.Timer // answers it with nothing
}

// pulled is the answer to a pull.
type pulled struct {
	request
	code      int
	queueID   int
	offset    int64 // of the first message
	messages  [][]byte
	nextBegin int64
	min, max  int64
}

func (p *pulled) frame() []byte {
	var body []byte
	for _, m := range p.messages {
		body = append(body, m...)
	}
	return frameOf(fmt.Sprintf(`{"code":%d,"extFields":{"suggestWhichBrokerId":"0","nextBeginOffset":"%d","minOffset":"%d","maxOffset":"%d"},"flag":1,"opaque":%d}`,
		p.code, p.nextBegin, p.min, p.max, p.Opaque), body...)
}

// pull answers from what is stored, or holds the pull if it may be held and there is nothing.
func (b *fakeBroker) pull(c *fakeConn, r request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pulls = append(b.pulls, r)
	b.tryPull(&heldPull{conn: c, request: r})
}

// wake tries the held pulls again. It needs mu.
func (b *fakeBroker) wake() {
	held := b.held
	b.held = nil
	for _, h := range held {
		h.over.Stop()
		b.tryPull(h)
	}
}

// giveUp answers a held pull for which nothing came.
func (b *fakeBroker) giveUp(h *heldPull) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.held, h); i >= 0 {
		b.held = slices.Delete(b.held, i, i+1)
		h.ExtFields["sysFlag"] = "0"
		b.tryPull(h)
	}
}

func (b *fakeBroker) stopHolding() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range b.held {
		h.over.Stop()
	}
}

func (b *fakeBroker) tryPull(h *heldPull) {
	f := h.ExtFields
	all := b.stored[f["topic"]+"/"+f["queueId"]]
	p := &pulled{request: h.request, queueID: atoi(f["queueId"]), offset: int64(atoi(f["queueOffset"])), max: int64(len(all))}
	flag, _ := strconv.Atoi(f["sysFlag"])
	for o := p.offset; o < p.max && len(p.messages) < atoi(f["maxMsgNums"]); o++ {
		p.messages = append(p.messages, storedMessage(p.queueID, o, all[o]))
	}
	if p.nextBegin = p.offset + int64(len(p.messages)); len(p.messages) == 0 {
		if p.code = codePullNotFound; flag&pullSuspend != 0 {
			h.over = time.AfterFunc(time.Duration(atoi(f["suspendTimeoutMillis"]))*time.Millisecond, func() { b.giveUp(h) })
			b.held = append(b.held, h)
			return
		}
	}
	if b.spoilPull != nil {
		b.spoilPull(p)
	}
	h.conn.write(p.frame())
}

// storedMessage has the layout of the log.
func storedMessage(queueID int, offset int64, body []byte) []byte {
	return storedMessageOf(messageMagicV1, 0, queueID, offset, body)
}

func storedMessageOf(magic, sysFlag uint32, queueID int, offset int64, body []byte) []byte {
	host := func(v6 uint32) []byte {
		if sysFlag&v6 != 0 {
			return make([]byte, addressV6Bytes)
		}
		return make([]byte, addressV4Bytes)
	}
	b := binary.BigEndian.AppendUint32(nil, 0)
	b = binary.BigEndian.AppendUint32(b, magic)
	b = binary.BigEndian.AppendUint32(b, 0xC0C0C0C0) // checksum
	b = binary.BigEndian.AppendUint32(b, uint32(queueID))
	b = binary.BigEndian.AppendUint32(b, 0) // flag
	b = binary.BigEndian.AppendUint64(b, uint64(offset))
	b = binary.BigEndian.AppendUint64(b, 4711) // place in the log
	b = binary.BigEndian.AppendUint32(b, sysFlag)
	b = binary.BigEndian.AppendUint64(b, 1_700_000_000_123) // born
	b = append(b, host(bornHostIsV6)...)
	b = binary.BigEndian.AppendUint64(b, 1_700_000_000_124) // stored
	b = append(b, host(storeHostIsV6)...)
	b = binary.BigEndian.AppendUint32(b, 0) // reconsumed
	b = binary.BigEndian.AppendUint64(b, 0) // prepared transaction
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	b = append(b, body...)
	b = append(b, 1, 'T')
	b = binary.BigEndian.AppendUint16(b, 0) // properties
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}
