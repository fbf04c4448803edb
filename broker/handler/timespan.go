package handler

// queueSpan is QueueTimeSpan: times in ms, -1 where there is no message that they could be of.
type queueSpan struct {
	Queue    queueName `json:"messageQueue"`
	Min      int64     `json:"minTimeStamp"` // of the oldest message
	Max      int64     `json:"maxTimeStamp"` // of the newest one
	Consumed int64     `json:"consumeTimeStamp"`
	Delay    int64     `json:"delayTime"` // since the message that is to be consumed next was stored
}

// consumeTimeSpan answers with the store times between which the messages of a topic lie, and that a group has got to.
func (c *call) consumeTimeSpan() error {
	t, err := c.topicOf()
	if err != nil {
		return err
	}
	group := c.cmd.Fields.Str("group")
	spans := []queueSpan{}
	for id := range t.WriteQueues {
		s, err := c.h.span(group, t.Name, id)
		if err != nil {
			return err
		}
		spans = append(spans, s)
	}
	return c.json(struct {
		Spans []queueSpan `json:"consumeTimeSpanSet"`
	}{spans})
}

func (h *Handler) span(group, topic string, id int32) (s queueSpan, err error) {
	q, lowest, next, err := h.bounds(topic, id)
	if err != nil {
		return s, err
	}
	consumed := h.Offsets.Query(group, topic, id)
	var due int64
	s.Queue = h.queueName(topic, id)
	for _, x := range []struct {
		ms *int64
		at int64
	}{{&s.Min, lowest}, {&s.Max, next - 1}, {&s.Consumed, consumed - 1}, {&due, max(consumed, lowest)}} {
		if *x.ms, err = h.storeTime(q, x.at); err != nil {
			return s, err
		}
	}
	if consumed <= 0 {
		s.Consumed = s.Min
	}
	if due >= 0 {
		s.Delay = h.Now().UnixMilli() - due
	}
	return s, nil
}
