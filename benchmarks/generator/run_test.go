package generator

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunSendsExactlyTheCountedMessages(t *testing.T) {
	b := startBroker(t, nil)
	r, err := Run(t.Context(), b.options(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != 500 || b.sends != 500 || len(b.keys) != 500 || !r.Clean() {
		t.Errorf("%d messages, the broker got %d with %d keys; %+v", r.Messages, b.sends, len(b.keys), r)
	}
	if len(b.next) != 3 {
		t.Errorf("queues used: %v, expected 3", b.next)
	}
	if r.MessagesPerSecond <= 0 || r.Latency.P50 <= 0 || r.Latency.Max < r.Latency.P999 || r.Latency.P999 < r.Latency.P50 {
		t.Errorf("rate %v, latency %+v", r.MessagesPerSecond, r.Latency)
	}
}

func TestRunCreatesTheTopicFirst(t *testing.T) {
	b := startBroker(t, nil)
	if _, err := Run(t.Context(), b.options(), nil); err != nil {
		t.Fatal(err)
	}
	f := b.topic.ExtFields
	if b.topic.Code != 17 || f["topic"] != "T" || f["readQueueNums"] != "3" || f["writeQueueNums"] != "3" || f["perm"] != "6" {
		t.Errorf("topic request %+v", b.topic)
	}
}

func TestRunDoesNotStartWhenTheTopicIsRefused(t *testing.T) {
	b := startBroker(t, nil)
	b.refused = "not you"
	r, err := Run(t.Context(), b.options(), nil)
	if r != nil || err == nil || !strings.Contains(err.Error(), "answer code 16: not you") {
		t.Errorf("report %+v, error %v", r, err)
	}
	if b.sends != 0 {
		t.Errorf("%d sends", b.sends)
	}
}

func TestWarmupIsLoadThatIsNotCounted(t *testing.T) {
	b := startBroker(t, nil)
	o := b.options()
	o.Warmup = 150 * time.Millisecond
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != 500 || b.sends <= 500 || !r.Clean() {
		t.Errorf("%d messages, the broker got %d; %+v", r.Messages, b.sends, r)
	}
}

func TestRunEndsAfterItsDuration(t *testing.T) {
	b := startBroker(t, nil)
	o := b.options()
	o.Count, o.Duration = 0, 200*time.Millisecond
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != int64(b.sends) || r.Messages == 0 || !r.Clean() {
		t.Errorf("%d messages, the broker got %d; %+v", r.Messages, b.sends, r)
	}
}

func TestRunStopsWhenItsContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := startBroker(t, func(sends []send) []string {
		cancel()
		return answers(sends)
	})
	o := b.options()
	o.Count, o.Duration = 0, time.Hour
	r, err := Run(ctx, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Messages != int64(b.sends) || !r.Clean() {
		t.Errorf("%d messages, the broker got %d; %+v", r.Messages, b.sends, r)
	}
}

func TestFailuresAreCountedByCodeWithTheBrokersWords(t *testing.T) {
	n := 0
	b := startBroker(t, nil)
	b.spoil = func(sends []send) []string {
		out := answers(sends)
		for i, s := range sends {
			if n++; n%10 == 0 {
				out[i] = s.failure(2, "busy")
			} else if n%25 == 1 {
				out[i] = s.failure(14, "closing")
			} else {
				continue
			}
			b.next[s.queueID]-- // a failed send uses no offset: the later ones of this read move up
			for j := i + 1; j < len(sends); j++ {
				if sends[j].queueID == s.queueID {
					sends[j].offset--
					out[j] = sends[j].answer()
				}
			}
		}
		return out
	}
	r, err := Run(t.Context(), b.options(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []Failure{{Code: 2, Count: 50, Remark: "busy"}, {Code: 14, Count: 20, Remark: "closing"}}
	if !slices.Equal(r.Failures, want) || r.Messages != 430 || len(r.Problems) > 0 || r.Clean() {
		t.Errorf("%d messages, failures %+v, problems %v", r.Messages, r.Failures, r.Problems)
	}
}

func TestWrongAnswersAreNamed(t *testing.T) {
	for name, test := range map[string]struct {
		spoil   func(s send) []string // the answers to one send
		problem string
	}{
		"offset twice":      {func(s send) []string { return []string{s.answerAt(s.queueID, s.offset-1)} }, "are not all different"},
		"offset left out":   {func(s send) []string { return []string{s.answerAt(s.queueID, s.offset+10000)} }, " messages have the offsets 0 … 10050, expected 10051 of them"},
		"another queue":     {func(s send) []string { return []string{s.answerAt(s.queueID+1, s.offset)} }, "1 answers with another queue"},
		"answered twice":    {func(s send) []string { return []string{s.answer(), s.answer()} }, "1 answers to no send in flight"},
		"nobody asked":      {func(s send) []string { s2 := s; s2.Opaque = 5; return []string{s2.answer(), s.answer()} }, "1 answers to no send in flight"},
		"no offset":         {func(s send) []string { return []string{s.failure(0, "")} }, "1 answers of success without a queue offset"},
		"negative opaque":   {func(s send) []string { s2 := s; s2.Opaque = -5; return []string{s2.answer(), s.answer()} }, "1 answers to no send in flight"},
		"request by itself": {func(s send) []string { return []string{`{"code":40,"flag":2,"opaque":7}`, s.answer()} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			spoiled := false
			b := startBroker(t, func(sends []send) []string {
				var out []string
				for _, s := range sends {
					if !spoiled && s.queueID == 1 && s.offset == 50 {
						spoiled = true
						out = append(out, test.spoil(s)...)
					} else {
						out = append(out, s.answer())
					}
				}
				return out
			})
			r, err := Run(t.Context(), b.options(), nil)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(r.Problems, "; ")
			if !strings.Contains(got, test.problem) || (test.problem == "") != r.Clean() {
				t.Errorf("problems %q, expected %q", got, test.problem)
			}
		})
	}
}

func TestABrokenConnectionEndsTheRunWithAReport(t *testing.T) {
	served := 0
	b := startBroker(t, func(sends []send) []string {
		if served += len(sends); served > 100 {
			return nil
		}
		return answers(sends)
	})
	r, err := Run(t.Context(), b.options(), nil)
	if err == nil || !strings.Contains(err.Error(), "requests in flight") {
		t.Errorf("error %v", err)
	}
	if r == nil || r.Messages == 0 || r.Messages > 100 {
		t.Errorf("report %+v", r)
	}
}

func TestASilentBrokerIsGivenUp(t *testing.T) {
	b := startBroker(t, func([]send) []string { return []string{} })
	o := b.options()
	o.AnswerTimeout = 20 * time.Millisecond
	s, err := newSending(t.Context(), &run{options: o, start: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	defer closeLanes(s.lanes)
	err = s.lanes[0].work()
	if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "with 8 requests in flight") {
		t.Errorf("error %v", err)
	}
}

func TestRunSaysWhereNobodyListens(t *testing.T) {
	b := startBroker(t, nil)
	o := b.options()
	b.Close()
	if _, err := Run(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), o.Addr) {
		t.Errorf("error %v", err)
	}
}

func TestAnswersLargerThanTheBufferAreRead(t *testing.T) {
	filler := strings.Repeat("x", 200<<10)
	b := startBroker(t, func(sends []send) []string {
		out := answers(sends)
		out[0] = strings.Replace(out[0], "{", `{"remark":"`+filler+`",`, 1)
		return out
	})
	o := b.options()
	o.Count, o.Connections, o.InFlight = 3, 1, 1
	r, err := Run(t.Context(), o, nil)
	if err != nil || r.Messages != 3 || !r.Clean() {
		t.Errorf("report %+v, error %v", r, err)
	}
}

func TestOpaquesOfALongRunStayDistinctAndTenDigitsLong(t *testing.T) {
	l := newLane(&run{}, &wire{}, 4096, nil)
	l.generation = opaqueSpan/4096 - 2050 // wraps within the window
	for range 4096 {
		l.begin(slot{})
	}
	seen := map[int32]bool{}
	for i, s := range l.slots {
		if s.opaque < firstOpaque || s.opaque >= firstOpaque+opaqueSpan || (s.opaque-firstOpaque)%4096 != int32(i) || seen[s.opaque] {
			t.Fatalf("slot %d has opaque %d", i, s.opaque)
		}
		seen[s.opaque] = true
	}
	if len(seen) != 4096 || l.generation > 4096 {
		t.Errorf("%d opaques, generation %d", len(seen), l.generation)
	}
}

func TestRunMeasuresTheBrokersProcess(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc")
	}
	b := startBroker(t, nil)
	o := b.options()
	o.PID = os.Getpid()
	r, err := Run(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.ServerCPUSeconds == nil || r.ClientCPUSeconds == nil || r.ServerRSSAnonBytes == nil || *r.ServerRSSAnonBytes < 1<<20 {
		t.Errorf("report %+v", r)
	}
	o.PID = 1 << 30
	if _, err := Run(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), "/proc/1073741824/stat") {
		t.Errorf("error for a process that isn't there: %v", err)
	}
}

func TestBadOptionsAreAllNamed(t *testing.T) {
	err := (&Options{SizeBytes: -1, InFlight: 1 << 20, Warmup: -1}).Validate()
	for _, want := range []string{"address", "topic", "queues 0", "size -1", "connections 0", "in-flight 1048576", "duration 0s", "warm-up -1ns", "timeout 0s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected %q in it", err, want)
		}
	}
}

func TestBadOptionsOfOtherLoadsAreNamed(t *testing.T) {
	for mode, test := range map[string]struct {
		options Options
		want    []string
	}{
		"":          {Options{}, []string{`mode "", expected one of send, pull, latency, topics, connections`}},
		"other":     {Options{}, []string{`mode "other"`}},
		ModePull:    {Options{Connections: 4, Queues: 3}, []string{"passes 0", "count 0, expected how many messages to pull", "connections 4, expected no more than the 3 queues"}},
		ModeTopics:  {Options{Count: 1 << 40}, []string{"topics 0", "count 1099511627776"}},
		ModeLatency: {Options{Rate: 1, Count: 1 << 40, AnswerTimeout: time.Second}, []string{"timeout 1s", "more than 1000000000 sends"}},
	} {
		test.options.Mode = mode
		err := test.options.Validate()
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("mode %q: error %v, expected %q in it", mode, err, want)
			}
		}
	}
}

func TestProgressIsOneLineThatIsRewritten(t *testing.T) {
	s := &sending{run: &run{options: Options{Count: 1000}}}
	s.measureFrom.Store(notYet)
	var answers int64 = 600
	var out bytes.Buffer
	line := progressLine{out: &out, unit: "msg", count: func() int64 { return answers }, rest: s.rest}
	expect := func(at time.Duration, want string) {
		t.Helper()
		out.Reset()
		line.draw(int64(at))
		if got := out.String(); got != "\r\x1b[K"+want {
			t.Errorf("line %q, expected %q", got, want)
		}
	}
	expect(2*time.Second, "  2.0 s  600 msg  300 msg/s  warming up")
	s.measureFrom.Store(0)
	s.left.Store(400)
	expect(3*time.Second, "  3.0 s  600 msg  0 msg/s  stalled")
	answers = 700
	expect(4*time.Second, "  4.0 s  700 msg  100 msg/s  4s left")
	s.options.Count, s.options.Duration = 0, 10*time.Second
	answers = 800
	expect(5*time.Second, "  5.0 s  800 msg  100 msg/s  5s left")
	s.stop()
	expect(6*time.Second, "  6.0 s  800 msg  0 msg/s  waiting for the last answers")
}
