package generator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/benchmarks/measure"
)

func (b *fakeBroker) pullOptions() Options {
	o := b.options()
	o.Mode, o.Passes = ModePull, 1
	return o
}

func TestPullReadsExactlyTheMessagesThatItSent(t *testing.T) {
	b := startBroker(t, nil)
	o := b.pullOptions()
	o.Passes = 2
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != 1000 || b.sends != 500 || !r.Clean() {
		t.Errorf("%d messages of %d: %+v", r.Messages, b.sends, r)
	}
	if p := r.Pull; p.Backlog != 500 || p.Pulls < 2*500/32 || p.Pulls != int64(len(b.pulls)) || p.EmptyPulls != 0 || p.MegabytesPerSecond <= 0 {
		t.Errorf("pulls %+v, the broker got %d", p, len(b.pulls))
	}
	if r.MessagesPerSecond <= 0 || r.Latency.P50 <= 0 {
		t.Errorf("rate %v, latency %+v", r.MessagesPerSecond, r.Latency)
	}
}

func TestAPullIsWhatARealConsumerSends(t *testing.T) {
	b := startBroker(t, nil)
	if _, err := Run(t.Context(), b.pullOptions(), nil); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"consumerGroup": "bench-consumer", "topic": "T", "queueId": "0", "queueOffset": "0", "maxMsgNums": "32", "sysFlag": "6", "commitOffset": "0",
		"suspendTimeoutMillis": "5000", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
	}
	f := b.pulls[0].ExtFields
	want["queueId"] = f["queueId"]
	for k, v := range want {
		if f[k] != v {
			t.Errorf("%s is %q, expected %q", k, f[k], v)
		}
	}
	if len(f) != len(want) {
		t.Errorf("fields %v", f)
	}
}

func TestPullWithoutFillReadsWhatTheTopicHolds(t *testing.T) {
	b := startBroker(t, nil)
	if _, err := Run(t.Context(), b.options(), nil); err != nil {
		t.Fatal(err)
	}
	o := b.pullOptions()
	o.NoFill, o.Count = true, 0
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != 500 || r.Pull.Backlog != 500 || b.sends != 500 || !r.Clean() {
		t.Errorf("%d messages of %d: %+v", r.Messages, b.sends, r)
	}
}

func TestPullOfNothingEnds(t *testing.T) {
	b := startBroker(t, nil)
	o := b.pullOptions()
	o.NoFill = true
	r, err := Run(t.Context(), o, nil)
	if err != nil || r.Messages != 0 || !r.Clean() {
		t.Errorf("report %+v, error %v", r, err)
	}
}

func TestPullsOfTheWarmupAreNotCounted(t *testing.T) {
	b := startBroker(t, nil)
	o := b.pullOptions()
	o.Warmup = 20 * time.Millisecond
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != 500 || r.Pull.Pulls >= int64(len(b.pulls)) || !r.Clean() {
		t.Errorf("%d messages, %d of %d pulls: %+v", r.Messages, r.Pull.Pulls, len(b.pulls), r)
	}
}

func TestQueuesOfOneConnectionTakeTurns(t *testing.T) {
	b := startBroker(t, nil)
	o := b.pullOptions()
	o.Connections, o.InFlight, o.Count = 1, 1, 3*32*4
	if _, err := Run(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	for i, p := range b.pulls {
		if got := atoi(p.ExtFields["queueId"]); got != i%3 {
			t.Fatalf("pull %d is of queue %d", i, got)
		}
	}
}

func TestWrongMessagesAreNamed(t *testing.T) {
	for name, test := range map[string]struct {
		spoil   func(p *pulled)
		problem string
	}{
		"a message left out":  {func(p *pulled) { p.messages = slices.Delete(p.messages, 3, 4) }, "message with queue 1 and offset 36, expected offset 35"},
		"a message twice":     {func(p *pulled) { p.messages[3] = p.messages[2] }, "message with queue 1 and offset 34, expected offset 35"},
		"of another queue":    {func(p *pulled) { p.messages[0] = storedMessage(2, 32, measure.NewBody(20)) }, "message with queue 2 and offset 32"},
		"another body":        {func(p *pulled) { p.messages[5] = storedMessage(1, 37, make([]byte, 20)) }, "1 messages with another body"},
		"a shorter body":      {func(p *pulled) { p.messages[5] = storedMessage(1, 37, measure.NewBody(19)) }, "1 messages with another body"},
		"begins elsewhere":    {func(p *pulled) { p.nextBegin++ }, "the next pull is to begin at 65, expected 64"},
		"success with none":   {func(p *pulled) { p.messages, p.nextBegin = nil, p.offset }, ""},
		"retry":               {func(p *pulled) { p.messages, p.nextBegin, p.code = nil, p.offset, codePullRetry }, ""},
		"answers nobody asks": {func(p *pulled) { p.Opaque = 5 }, "1 answers to no pull in flight"},
	} {
		t.Run(name, func(t *testing.T) {
			spoiled := false
			b := startBroker(t, nil)
			b.spoilPull = func(p *pulled) {
				if !spoiled && p.queueID == 1 && p.offset == 32 {
					spoiled = true
					test.spoil(p)
				}
			}
			o := b.pullOptions()
			o.AnswerTimeout = time.Second
			r, err := Run(t.Context(), o, nil)
			if lost := strings.Contains(test.problem, "in flight"); (err != nil) != lost { // the pull itself is never answered
				t.Fatal(err)
			}
			got := strings.Join(r.Problems, "; ")
			if !strings.Contains(got, test.problem) || (test.problem == "") != r.Clean() {
				t.Errorf("problems %q, expected %q", got, test.problem)
			}
		})
	}
}

func TestFailedPullsAreCountedByCode(t *testing.T) {
	b := startBroker(t, nil)
	b.spoilPull = func(p *pulled) {
		if p.queueID == 2 {
			p.code, p.messages = 26, nil
		}
	}
	r, err := Run(t.Context(), b.pullOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Failures, []Failure{{Code: 26, Count: 1}}) || r.Messages >= 500 || r.Clean() {
		t.Errorf("%d messages, failures %+v", r.Messages, r.Failures)
	}
}

func TestBrokenMessagesEndThePull(t *testing.T) {
	b := startBroker(t, nil)
	b.spoilPull = func(p *pulled) { p.messages[0] = p.messages[0][:50] }
	r, err := Run(t.Context(), b.pullOptions(), nil)
	if !errors.Is(err, errProtocol) || r == nil {
		t.Errorf("report %+v, error %v", r, err)
	}
}

func TestAQueueThatBringsNothingIsGivenUp(t *testing.T) {
	b := startBroker(t, nil)
	b.spoilPull = func(p *pulled) {
		if p.queueID == 2 {
			p.code, p.messages, p.nextBegin = codePullNotFound, nil, p.offset
		}
	}
	o := b.pullOptions()
	o.AnswerTimeout = 500 * time.Millisecond
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.Problems, "; "); !strings.Contains(got, "queue 2: nothing new for 500ms at offset 0") || r.Pull.EmptyPulls == 0 {
		t.Errorf("problems %q, %d empty pulls", got, r.Pull.EmptyPulls)
	}
}

func TestAFillThatFailsIsAnError(t *testing.T) {
	b := startBroker(t, func(sends []send) []string {
		out := answers(sends)
		out[0] = sends[0].failure(2, "busy")
		return out
	})
	r, err := Run(t.Context(), b.pullOptions(), nil)
	if r != nil || err == nil || !strings.Contains(err.Error(), "fill topic T with 500 messages") || !strings.Contains(err.Error(), "busy") {
		t.Errorf("report %+v, error %v", r, err)
	}
}

func TestGroupsPullInTurnAndCommitWhereTheyAre(t *testing.T) {
	b := startBroker(t, nil)
	o := b.pullOptions()
	o.Connections, o.Groups = 1, 12
	r, err := Run(t.Context(), o, nil)
	if err != nil || !r.Clean() || len(b.pulls) < 16 {
		t.Fatalf("%v, %+v", err, r)
	}
	for i, p := range b.pulls {
		f := p.ExtFields
		if want := fmt.Sprintf("bench-consumer-%06d", i%12); f["consumerGroup"] != want || f["commitOffset"] != f["queueOffset"] || f["sysFlag"] != "7" {
			t.Errorf("pull %d: %v, expected group %s", i, f, want)
		}
	}
}

func TestPullStopsWhenItsContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := startBroker(t, nil)
	b.spoilPull = func(p *pulled) { cancel() }
	o := b.pullOptions()
	o.Passes = 1000
	r, err := Run(ctx, o, nil)
	if err != nil || r.Messages == 0 || r.Messages >= 1000*500 || !r.Clean() {
		t.Errorf("report %+v, error %v", r, err)
	}
}

func TestAPullAllocatesNothing(t *testing.T) {
	f := newPullFrame("T", 3, 32, 1, time.Second)
	out := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { out = f.appendTo(out[:0], firstOpaque, 1<<40, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTakingMessagesAllocatesNothing(t *testing.T) {
	body := measure.NewBody(100)
	task := newPullTask(&run{options: Options{AnswerTimeout: time.Second}}, measure.NewArrivals(), func(b []byte, _ int64) bool { return bytes.Equal(b, body) })
	task.read(0, 0, 32)
	var messages []byte
	for o := range int64(32) {
		messages = append(messages, storedMessage(0, o, body)...)
	}
	a := &answer{body: messages, nextBegin: 32}
	n := testing.AllocsPerRun(100, func() {
		task.rewind(0)
		if err := task.answered(&slot{}, a, 1); err != nil || len(task.problems) > 0 || task.damaged > 0 {
			t.Fatal(err, task.problems, task.damaged)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTakingMessages(b *testing.B) {
	body := measure.NewBody(1024)
	task := newPullTask(&run{options: Options{AnswerTimeout: time.Second}}, measure.NewArrivals(), func(b []byte, _ int64) bool { return bytes.Equal(b, body) })
	task.read(0, 0, 32)
	var messages []byte
	for o := range int64(32) {
		messages = append(messages, storedMessage(0, o, body)...)
	}
	a := &answer{body: messages, nextBegin: 32}
	b.SetBytes(int64(len(messages)))
	for b.Loop() {
		task.rewind(0)
		_ = task.answered(&slot{}, a, 1)
	}
}
