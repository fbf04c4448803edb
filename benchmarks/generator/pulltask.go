package generator

import (
	"fmt"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

// pullTask reads queues on one lane, in turn, with at most one pull in flight for each: where the next one begins is
// known only from the answer.
type pullTask struct {
	run     *run
	arrived *measure.Arrivals
	// check tells whether a body that came at now is one that was sent.
	check func(body []byte, now int64) bool

	queues  []pullQueue
	waiting []int32 // a ring of the indexes of the queues whose pull may begin, in turn
	head, n int
	group   int // whose pull is next

	messages, bytes, pulls int64 // what came, bodies' bytes, pulls that brought something
	lastAnswer             int64
	latency                *hdrhistogram.Histogram // of those pulls
	empty                  int64                   // pulls that brought nothing
	failures               failures
	damaged                int64 // bodies that aren't what was sent
	problems               problems
}

// pullQueue is one queue and the part of it that is to be read.
type pullQueue struct {
	id        int
	frame     *pullFrame
	from, end int64 // offsets; the last one is end-1
	next      int64 // to be pulled
	gotAt     int64 // when it last brought messages
}

// endless as the end of its queues means that a task goes on until the connection is closed.
const endless = math.MaxInt64

func newPullTask(r *run, a *measure.Arrivals, check func([]byte, int64) bool) *pullTask {
	return &pullTask{run: r, arrived: a, check: check, latency: measure.NewHistogram(), failures: make(failures)}
}

// read adds a queue of which the offsets from … end-1 are to be read.
func (t *pullTask) read(queueID int, from, end int64) {
	t.queues = append(t.queues, pullQueue{
		id: queueID, frame: newPullFrame(t.run.options.Topic, queueID, pullMessages, t.run.options.Groups, t.run.options.suspend()), from: from, end: end,
	})
	t.waiting = append(t.waiting, 0)
}

// rewind goes back to where the reading of each queue begins.
func (t *pullTask) rewind(now int64) {
	t.head, t.n = 0, 0
	for i := range t.queues {
		q := &t.queues[i]
		q.next, q.gotAt = q.from, now
		t.wait(int32(i))
	}
}

// measure forgets what was counted, but not what was wrong.
func (t *pullTask) measure() {
	t.messages, t.bytes, t.pulls, t.empty, t.lastAnswer = 0, 0, 0, 0, 0
	t.latency.Reset()
}

// wait puts a queue at the ring's end, unless it has been read.
func (t *pullTask) wait(i int32) {
	if t.queues[i].next < t.queues[i].end {
		t.waiting[(t.head+t.n)%len(t.waiting)] = i
		t.n++
	}
}

func (t *pullTask) endless() bool { return t.queues[0].end == endless }

func (t *pullTask) fill(l *lane, now int64) {
	if t.run.stopped.Load() && !t.endless() {
		return
	}
	for ; t.n > 0 && l.room() > 0; t.n-- {
		i := t.waiting[t.head]
		t.head = (t.head + 1) % len(t.waiting)
		q := &t.queues[i]
		l.out = q.frame.appendTo(l.out, l.begin(slot{item: int64(i), sentAt: now}), q.next, t.group)
		if t.group++; t.group >= t.run.options.Groups {
			t.group = 0
		}
	}
}

func (t *pullTask) answered(s *slot, a *answer, now int64) error {
	q := &t.queues[s.item]
	switch a.code {
	case 0:
		before := q.next
		if ok, err := t.take(q, a, now); err != nil || !ok {
			return err // a queue that isn't right is left alone
		}
		if q.next == before {
			break
		}
		q.gotAt = now
		t.pulls++
		t.lastAnswer = now
		measure.Record(t.latency, now-s.sentAt)
		t.arrived.Add(q.next - before)
	case codePullNotFound, codePullRetry:
		t.empty++
	default:
		t.failures.add(a)
		return nil
	}
	if !t.endless() && now-q.gotAt > int64(t.run.options.AnswerTimeout) {
		t.problem(q, "nothing new for %v at offset %d, expected messages up to %d", t.run.options.AnswerTimeout, q.next, q.end-1)
		return nil
	}
	t.wait(int32(s.item))
	return nil
}

// take reads the messages of an answer. They must follow each other from q.next on; not ok means that they don't.
func (t *pullTask) take(q *pullQueue, a *answer, now int64) (ok bool, err error) {
	for rest := a.body; len(rest) > 0 && q.next < q.end; q.next++ {
		var m message
		if m, rest, err = cutMessage(rest); err != nil {
			return false, fmt.Errorf("queue %d from offset %d: %w", q.id, q.next, err)
		}
		if int(m.queueID) != q.id || m.queueOffset != q.next {
			t.problem(q, "message with queue %d and offset %d, expected offset %d", m.queueID, m.queueOffset, q.next)
			return false, nil
		}
		if !t.check(m.body, now) {
			t.damaged++
		}
		t.messages++
		t.bytes += int64(len(m.body))
	}
	if q.next < q.end && a.nextBegin != q.next {
		t.problem(q, "the next pull is to begin at %d, expected %d, which is behind the messages", a.nextBegin, q.next)
		return false, nil
	}
	return true, nil
}

func (t *pullTask) problem(q *pullQueue, format string, args ...any) {
	t.problems = append(t.problems, fmt.Sprintf("queue %d: ", q.id)+fmt.Sprintf(format, args...))
}

// merge adds what came of o to t.
func (t *pullTask) merge(o *pullTask) {
	t.messages += o.messages
	t.bytes += o.bytes
	t.pulls += o.pulls
	t.empty += o.empty
	t.damaged += o.damaged
	t.lastAnswer = max(t.lastAnswer, o.lastAnswer)
	t.latency.Merge(o.latency)
	t.failures.merge(o.failures)
	t.problems = append(t.problems, o.problems...)
}

// allProblems says in words what the broker did that it must not.
func (t *pullTask) allProblems(unasked int64) []string {
	p := t.problems
	p.note(unasked, "answers to no pull in flight")
	p.note(t.damaged, "messages with another body than was sent")
	return p
}
