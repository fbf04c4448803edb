package generator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func (b *fakeBroker) latencyOptions() Options {
	o := b.options()
	o.Mode, o.Rate, o.Count = ModeLatency, 2000, 300
	return o
}

func TestEveryPacedMessageArrives(t *testing.T) {
	b := startBroker(t, nil)
	o := b.latencyOptions()
	o.Warmup = 50 * time.Millisecond
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != 300 || r.Delivery.Sent != 300 || b.sends != 400 || len(b.keys) != 400 || !r.Clean() {
		t.Errorf("%d messages, the broker got %d; %+v, %+v", r.Messages, b.sends, r, r.Delivery)
	}
	if d := r.Delivery; r.Latency.P50 < d.Lateness.P50 || d.SendLatency.P50 < d.Lateness.P50 || r.Latency.Max <= 0 {
		t.Errorf("latency %+v, of sends %+v, lateness %+v", r.Latency, d.SendLatency, d.Lateness)
	}
	if r.ElapsedSeconds < 0.149 { // 300 at 2000/s
		t.Errorf("%v s", r.ElapsedSeconds)
	}
}

func TestPacedConsumersBeginAtTheEndOfTheTopic(t *testing.T) {
	b := startBroker(t, nil)
	for range 2 {
		r, err := Run(t.Context(), b.latencyOptions(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.Messages != 300 || !r.Clean() {
			t.Errorf("%d messages: %+v", r.Messages, r)
		}
	}
}

// A load that waited for the broker would see one slow send.
func TestAStallShowsInAllMessagesThatWereDueMeanwhile(t *testing.T) {
	stalled := false
	b := startBroker(t, nil)
	b.spoil = func(sends []send) []string {
		if !stalled && b.sends >= 100 {
			stalled = true
			time.Sleep(200 * time.Millisecond)
		}
		return answers(sends)
	}
	o := b.latencyOptions()
	o.Rate, o.Count = 1000, 400
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	// What was due in the first 100 ms of the stall, a quarter of all, took longer than 100 ms.
	if r.Delivery.SendLatency.P90 < 100_000 || r.Messages != 400 || !r.Clean() {
		t.Errorf("p90 of sends %v µs; %+v", r.Delivery.SendLatency.P90, r)
	}
}

func TestWhatGoesWrongWithPacedMessagesIsNamed(t *testing.T) {
	once := func(f func(sends []send, out []string) []string) func(sends []send) []string {
		done := false
		return func(sends []send) []string {
			out := answers(sends)
			if !done {
				done = true
				return f(sends, out)
			}
			return out
		}
	}
	for name, test := range map[string]struct {
		spoil     func(sends []send) []string
		spoilPull func(p *pulled)
		problem   string
	}{
		"a body of another run": {nil, func(p *pulled) { p.messages[0] = storedMessage(p.queueID, p.offset, make([]byte, 20)) }, "messages with another body"},
		"a body that changed": {nil, func(p *pulled) {
			m := p.messages[0]
			m[88+19]++
		}, "messages with another body"},
		"a message left out": {nil, func(p *pulled) { p.messages[0] = storedMessage(p.queueID, p.offset+1, nil) }, "messages came, expected 300"},
		"answered twice":     {once(func(s []send, out []string) []string { return append(out, s[0].answer()) }), nil, "not each send answered once"},
		"nobody asked":       {once(func(s []send, out []string) []string { s[0].Opaque = 5; return append(out, s[0].answer()) }), nil, "1 answers to no send in flight"},
		"another queue":      {once(func(s []send, out []string) []string { out[0] = s[0].answerAt(s[0].queueID+1, s[0].offset); return out }), nil, "1 answers with another queue"},
	} {
		t.Run(name, func(t *testing.T) {
			b := startBroker(t, test.spoil)
			b.spoilPull = func(p *pulled) {
				if test.spoilPull != nil && len(p.messages) > 0 && b.sends > 100 {
					test.spoilPull(p)
				}
			}
			o := b.latencyOptions()
			o.AnswerTimeout = time.Second
			r, err := Run(t.Context(), o, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.Problems, "; "); !strings.Contains(got, test.problem) {
				t.Errorf("problems %q, expected %q", got, test.problem)
			}
		})
	}
}

func TestPacedSendsThatFailAreNotWaitedFor(t *testing.T) {
	b := startBroker(t, nil)
	failed := false
	b.spoil = func(sends []send) []string {
		out := answers(sends)
		if !failed && len(sends) == 1 {
			failed = true
			s := sends[0]
			out[0] = s.failure(2, "busy")
			b.next[s.queueID]--
			q := "T/" + s.ExtFields["e"]
			b.stored[q] = b.stored[q][:len(b.stored[q])-1]
		}
		return out
	}
	o := b.latencyOptions()
	o.Rate = 500
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Failures, []Failure{{Code: 2, Count: 1, Remark: "busy"}}) || r.Messages != 299 || len(r.Problems) > 0 {
		t.Errorf("%d messages, failures %+v, problems %v", r.Messages, r.Failures, r.Problems)
	}
}

func TestABrokenConsumerEndsThePacedLoad(t *testing.T) {
	b := startBroker(t, nil)
	b.spoilPull = func(p *pulled) {
		if len(p.messages) > 0 {
			p.messages[0] = p.messages[0][:50]
		}
	}
	o := b.latencyOptions()
	o.Count = 1_000_000
	r, err := Run(t.Context(), o, nil)
	if !errors.Is(err, errProtocol) || r == nil {
		t.Errorf("report %+v, error %v", r, err)
	}
}

func TestABrokenSenderEndsThePacedLoad(t *testing.T) {
	b := startBroker(t, func([]send) []string { return nil })
	o := b.latencyOptions()
	o.Count = 1_000_000
	r, err := Run(t.Context(), o, nil)
	if err == nil || !strings.Contains(err.Error(), "generator: paced ") || r == nil {
		t.Errorf("report %+v, error %v", r, err)
	}
}

func TestThePacedLoadStopsWhenItsContextEndsAndNothingIsLost(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := startBroker(t, func(sends []send) []string {
		cancel()
		return answers(sends)
	})
	o := b.latencyOptions()
	o.Count = 1_000_000
	r, err := Run(ctx, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != int64(b.sends) || r.Delivery.Sent != r.Messages || !r.Clean() {
		t.Errorf("%d messages of %d: %+v", r.Messages, b.sends, r)
	}
}

func TestBadOptionsOfThePacedLoadAreNamed(t *testing.T) {
	o := Options{Mode: ModeLatency, SizeBytes: 8, Connections: 4, Queues: 3, Duration: 1 << 62}
	err := o.Validate()
	for _, want := range []string{"rate 0", "size 8, expected at least 16", "connections 4, expected no more than the 3 queues"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected %q in it", err, want)
		}
	}
}
