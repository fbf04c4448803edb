package handler

import (
	"cmp"
	"errors"

	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog"
)

// viewMessage answers with the record at a log offset, which the ids of messages name.
func (c *call) viewMessage() error {
	off, err := c.cmd.Fields.Int64("offset", -1)
	if err != nil {
		return err
	}
	b, err := c.h.Store.Record(off, nil)
	if errors.Is(err, commitlog.ErrOutOfRange) || errors.Is(err, commitlog.ErrNotBorder) || errors.Is(err, store.ErrNoTopic) {
		return refusal(remoting.RespSystemError, "can not find message by the offset, %d", off)
	}
	if err != nil {
		return err
	}
	return c.bytes(b)
}

// maxQueryBytes bounds the answer to a query, which is a frame.
const maxQueryBytes = 8 << 20

// queryMessage answers with the messages that have a key.
func (c *call) queryMessage() error {
	f := c.cmd.Fields
	var most int32
	var begin, end int64
	for _, e := range []error{read32(f, "maxNum", &most), read64(f, "beginTimestamp", &begin), read64(f, "endTimestamp", &end)} {
		if e != nil {
			return e
		}
	}
	kind := store.AnyKey
	switch f.Str("indexType") {
	case "K":
		kind = store.UserKey
	case "U":
		kind = store.UniqueKey
	case "T":
		kind = store.TagKey
	}
	if unique, _ := f.Bool("_UNIQUE_KEY_QUERY", false); unique {
		kind, most = store.UniqueKey, int32(c.h.Config.Load().MaxQueryMessages)
	}
	most = min(max(1, most), 64)
	found, err := c.h.Store.Query(f.Str("topic"), f.Str("key"), kind, begin, end, int(most))
	if len(found) == 0 {
		return cmp.Or(err, refusal(remoting.RespQueryNotFound, "can not find message, maybe time range not correct"))
	}
	if err != nil {
		c.h.Logger.Warn("handler: messages that a query found and that can't be read", "error", err)
	}
	var body []byte
	for i, m := range found {
		if i > 0 && len(body)+len(m.Record) > maxQueryBytes {
			break // the older ones
		}
		body = append(body, m.Record...)
	}
	at, off := c.h.Store.IndexedUpTo()
	w := c.c.Reply(c.t, remoting.RespSuccess, "")
	w.Int("indexLastUpdateTimestamp", at)
	w.Int("indexLastUpdatePhyoffset", off)
	w.Body(body)
	w.End()
	return nil
}
