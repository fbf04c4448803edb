package remoting

import (
	"fmt"
	"strconv"
)

// Releaser lets go of what the slices given to Reply.Parts lie in.
type Releaser interface{ Release() }

// Reply is an answer that is being written: fields first, then the body, then End. It belongs to one goroutine and to the connection again
// after End. Nothing waits and nothing is locked while it is open.
type Reply struct {
	c      *Conn
	ticket Ticket
	err    error // why the answer can't be sent as it is

	head     []byte // prefix and header
	fieldsAt int    // in a binary header: where the fields' length stands
	fields   bool   // there is one at least

	body      []byte
	parts     [][]byte
	partBytes int
	releasers []Releaser
}

// Reply begins the answer to the request that t stands for. The remark is for people; it can be empty. Nothing reaches the peer before
// Conn.Flush, which the server calls itself when Handler.Serve returns.
func (c *Conn) Reply(t Ticket, code int32, remark string) *Reply {
	w := c.pools.reply()
	w.c, w.ticket = c, t
	w.start(code, t.opaque, FlagResponse, Version55, remark)
	return w
}

func (w *Reply) start(code, opaque, flag, version int32, remark string) {
	w.head = append(w.head[:0], 0, 0, 0, 0, 0, 0, 0, 0) // the prefix, filled in by seal
	w.fields = false
	if w.ticket.binary {
		w.head, w.fieldsAt = appendBinaryStart(w.head, code, version, opaque, flag, remark)
	} else {
		w.head = appendJSONStart(w.head, code, version, opaque, flag, remark)
	}
}

// Str writes a field. The name is a constant of the program: it isn't escaped.
func (w *Reply) Str(name, value string) {
	at := w.beginField(name)
	if w.ticket.binary {
		w.head = append(w.head, value...)
	} else {
		w.head = appendJSONText(w.head, value)
	}
	w.endField(at)
}

// Bytes writes a field that holds text.
func (w *Reply) Bytes(name string, value []byte) {
	at := w.beginField(name)
	if w.ticket.binary {
		w.head = append(w.head, value...)
	} else {
		w.head = appendJSONText(w.head, value)
	}
	w.endField(at)
}

// add writes a field whose name may hold anything.
func (w *Reply) add(f Field) {
	name := f.Key
	if !w.ticket.binary && plainBytes(name) < len(name) {
		name = appendEscaped(nil, string(name))
	}
	w.Bytes(string(name), f.Value)
}

// Int writes a field that holds a number.
func (w *Reply) Int(name string, value int64) {
	at := w.beginField(name)
	w.head = strconv.AppendInt(w.head, value, 10)
	w.endField(at)
}

// Bool writes a field that holds true or false.
func (w *Reply) Bool(name string, value bool) {
	at := w.beginField(name)
	w.head = strconv.AppendBool(w.head, value)
	w.endField(at)
}

// FixedFields are fields that are the same in many answers, written once and copied from then on.
type FixedFields struct{ json, binary []byte }

// FixFields makes them of names and values in turn.
func FixFields(pairs ...string) (f FixedFields) {
	var at int
	for i := 0; i+1 < len(pairs); i += 2 {
		f.binary, at = appendBinaryField(f.binary, pairs[i])
		f.binary = append(f.binary, pairs[i+1]...)
		endBinary(f.binary, at)
		f.json = append(f.json, `,"`...)
		f.json = appendJSONText(f.json, pairs[i])
		f.json = append(f.json, `":"`...)
		f.json = appendJSONText(f.json, pairs[i+1])
		f.json = append(f.json, '"')
	}
	return f
}

// Fixed writes fields that were made before.
func (w *Reply) Fixed(f FixedFields) {
	switch {
	case len(f.json) == 0:
		return
	case w.ticket.binary:
		w.head = append(w.head, f.binary...)
	case w.fields:
		w.head = append(w.head, f.json...)
	default:
		w.head = append(append(w.head, `,"extFields":{`...), f.json[1:]...)
	}
	w.fields = true
}

func (w *Reply) beginField(name string) (valueAt int) {
	if w.ticket.binary {
		w.head, valueAt = appendBinaryField(w.head, name)
	} else {
		w.head = appendJSONField(w.head, name, !w.fields)
	}
	w.fields = true
	return valueAt
}

func (w *Reply) endField(valueAt int) {
	if w.ticket.binary {
		endBinary(w.head, valueAt)
	} else {
		w.head = append(w.head, '"')
	}
}

// Body sets the body, or its first part when Parts follow. It is copied by End and must not change before.
func (w *Reply) Body(b []byte) { w.body = b }

// Parts appends slices to the body that aren't copied: they must not change until r is released, which happens once they are written, or
// when it is certain that they never will be. The list itself is copied. r may be nil.
func (w *Reply) Parts(parts [][]byte, r Releaser) {
	w.parts = append(w.parts, parts...)
	for _, p := range parts {
		w.partBytes += len(p)
	}
	if r != nil {
		w.releasers = append(w.releasers, r)
	}
}

// End hands the answer over to the connection. The Reply must not be used afterwards.
func (w *Reply) End() {
	if !w.seal() {
		w.release()
		w.start(RespSystemError, w.ticket.opaque, FlagResponse, Version55, w.err.Error())
		w.seal()
	}
	w.c.out.add(w, w.ticket.oneway, !w.ticket.oneway)
	w.c.pools.putReply(w)
}

// seal closes the header and fills in the prefix; false when the frame breaks a bound, with w.err set.
func (w *Reply) seal() bool {
	if w.ticket.binary {
		endBinary(w.head, w.fieldsAt)
	} else {
		w.head = endJSON(w.head, w.fields)
	}
	headerBytes, bodyBytes := len(w.head)-prefixBytes, len(w.body)+w.partBytes
	if most := w.c.limits.MaxFrame; headerBytes > maxHeaderBytes || len(w.head)+bodyBytes > most {
		w.err = fmt.Errorf("%w: header of %d and body of %d bytes, the bound is %d for both", ErrFrame, headerBytes, bodyBytes, most)
		return false
	}
	putPrefix(w.head, w.ticket.binary, headerBytes, bodyBytes)
	return true
}

// release lets go of the body.
func (w *Reply) release() {
	for i, r := range w.releasers {
		w.releasers[i] = nil
		r.Release()
	}
	w.forget()
}

// forget drops the body without letting go of it: somebody else does.
func (w *Reply) forget() {
	clear(w.parts)
	clear(w.releasers)
	w.body, w.parts, w.releasers, w.partBytes = nil, w.parts[:0], w.releasers[:0], 0
}
