package handler

import (
	"errors"
	"fmt"

	"github.com/gantry-mq/gantry/broker/consume"
	"github.com/gantry-mq/gantry/broker/remoting"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/consumequeue"
)

// maxUnits bounds how many units of a queue one request gets.
const maxUnits = 4096

// queueUnit is ConsumeQueueData.
type queueUnit struct {
	LogOffset int64  `json:"physicOffset"`
	Size      int32  `json:"physicSize"`
	TagCode   int64  `json:"tagsCode"`
	Passes    bool   `json:"eval"` // the group's filter
	Remark    string `json:"msg,omitempty"`
}

// viewQueue answers with units of a queue, and whether the filter of a group lets their messages pass.
func (c *call) viewQueue() error {
	f := c.cmd.Fields
	topic, group := f.Str("topic"), f.Str("consumerGroup")
	var id, count int32
	var from int64
	for _, e := range []error{read32(f, "queueId", &id), read32(f, "count", &count), read64(f, "index", &from)} {
		if e != nil {
			return refusal(remoting.RespInvalidParameter, "%v", e)
		}
	}
	t := c.h.Topics.Get(topic)
	if t == nil || id < 0 || id >= max(t.ReadQueues, t.WriteQueues) {
		return refusal(remoting.RespSystemError, "%d@%s is not exist!", id, topic)
	}
	q, lowest, next, err := c.h.bounds(topic, id)
	if err != nil {
		return err
	}
	answer := struct {
		Subscription *subscriptionData `json:"subscriptionData,omitempty"`
		Filter       string            `json:"filterData,omitempty"`
		Units        []queueUnit       `json:"queueData"`
		Max          int64             `json:"maxQueueIndex"`
		Min          int64             `json:"minQueueIndex"`
	}{Units: []queueUnit{}, Max: next, Min: lowest}
	var filter consume.TagFilter
	if s, _, found := c.h.Clients.Subscription(group, topic); found {
		d := subscriptionOf(s)
		answer.Subscription = &d
		if d.Type == "TAG" {
			if err := filter.Parse([]byte(s.Expression)); err != nil {
				answer.Filter = err.Error()
			}
		}
	} else if group != "" {
		answer.Filter = fmt.Sprintf("%s@%s is not online!", group, topic)
	}
	if answer.Units, err = c.h.units(q, from, int(min(max(0, count), maxUnits))); err != nil {
		return err
	}
	for i := range answer.Units {
		answer.Units[i].Passes = filter.Matches(answer.Units[i].TagCode)
	}
	return c.json(answer)
}

// units reads up to n units of a queue, with their tag codes.
func (h *Handler) units(q *store.Queue, from int64, n int) ([]queueUnit, error) {
	all := []queueUnit{}
	add := func(off int64, size int32, code int64) error {
		u := queueUnit{LogOffset: off, Size: size, TagCode: code}
		tag, err := h.Store.TagCode(q, code)
		switch {
		case errors.Is(err, store.ErrNoTagCode):
			u.Remark = fmt.Sprintf("Cq extend not exist!addr: %d", code)
		case err != nil:
			return err
		default:
			u.TagCode = tag
		}
		all = append(all, u)
		return nil
	}
	if q.Batch() {
		us := make([]consumequeue.BatchUnit, n)
		got, err := q.ReadBatch(us, from)
		for i := 0; i < got && err == nil; i++ {
			err = add(us[i].LogOffset, us[i].Size, us[i].TagCode)
		}
		return all, err
	}
	us := make([]consumequeue.Unit, n)
	got, err := q.Read(us, from)
	for i := 0; i < got && err == nil; i++ {
		err = add(us[i].LogOffset, us[i].Size, us[i].TagCode)
	}
	return all, err
}
