package generator

import (
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// tally collects what came of a connection's sends. It belongs to that connection's goroutine until the run ends.
type tally struct {
	messages   int64                   // measured sends that were answered with code 0
	lastAnswer int64                   // when the last measured answer came, ns since the run's start
	latency    *hdrhistogram.Histogram // of those messages, ns
	failures   failures                // the warm-up's included
	queues     []measure.Offsets       // by queue id, the warm-up's included
	unasked    int64                   // answers that belong to no send in flight
	misplaced  int64                   // answers that name another queue than the send did
	unplaced   int64                   // answers of success without a queue offset
}

func newTally(queues int) *tally {
	return &tally{latency: measure.NewHistogram(), failures: make(failures), queues: make([]measure.Offsets, queues)}
}

// answered counts the answer to a send. The slot's item is the queue id.
func (t *tally) answered(a *answer, s *slot, now int64) {
	t.placed(a, s.item)
	if a.code == 0 && s.measured {
		t.count(now-s.sentAt, now)
	}
}

// placed checks where the answer says the message is.
func (t *tally) placed(a *answer, queueID int64) {
	switch {
	case a.stored && int64(a.queueID) == queueID:
		t.queues[queueID].Add(a.queueOffset)
	case a.stored:
		t.misplaced++
	case a.code == 0:
		t.unplaced++
	}
	if a.code != 0 {
		t.failures.add(a)
	}
}

// count counts a measured message.
func (t *tally) count(latency, now int64) {
	t.messages++
	t.lastAnswer = now
	measure.Record(t.latency, latency)
}

// merge adds o to t.
func (t *tally) merge(o *tally) {
	t.messages += o.messages
	t.lastAnswer = max(t.lastAnswer, o.lastAnswer)
	t.latency.Merge(o.latency)
	t.failures.merge(o.failures)
	for i := range o.queues {
		t.queues[i].Merge(o.queues[i])
	}
	t.unasked += o.unasked
	t.misplaced += o.misplaced
	t.unplaced += o.unplaced
}

// problems says in words what the broker did that it must not.
func (t *tally) problems() []string {
	var p problems
	p.note(t.unasked, "answers to no send in flight")
	p.note(t.misplaced, "answers with another queue than the send asked for")
	p.note(t.unplaced, "answers of success without a queue offset")
	for id := range t.queues {
		if text := t.queues[id].Problem(); text != "" {
			p = append(p, fmt.Sprintf("queue %d: %s", id, text))
		}
	}
	return p
}
