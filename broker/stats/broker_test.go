package stats

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

// hand is a clock that the test moves.
type hand struct{ t time.Time }

func (h *hand) now() time.Time { return h.t }

func fixture() (*Broker, *hand) {
	h := &hand{time.Date(2026, 3, 1, 23, 50, 0, 0, time.UTC)}
	return New("cluster", func(topic string) bool { return strings.HasPrefix(topic, "SYS") }, h.now), h
}

// pass lets time go by with a sample every ten seconds, calling each before it.
func (h *hand) pass(b *Broker, d time.Duration, each func()) {
	for end := h.t.Add(d); h.t.Before(end); {
		each()
		h.t = h.t.Add(interval)
		b.Sample()
	}
}

func messages(t *testing.T, b *Broker, name, key string, w Window) int64 {
	t.Helper()
	_, n, ok := b.View(name, key, w)
	if !ok {
		t.Fatalf("nothing of %s %s", name, key)
	}
	return n
}

func TestASteadyRateShowsInEveryWindow(t *testing.T) {
	b, h := fixture()
	h.pass(b, 26*time.Hour, func() { b.CountPut("orders", 30, 3000) })
	for _, w := range []Window{TenSeconds, Minute, TenMinutes, Hour, Day} {
		o, n, ok := b.View(TopicPutNums, "orders", w)
		if rate := o.PerSecond(n); !ok || math.Abs(rate-3) > 1e-9 {
			t.Errorf("%v: %v messages a second, expected 3", w.length, rate)
		}
		if o.Span > w.length || o.Span < w.length-w.grain {
			t.Errorf("%v: looked at %v", w.length, o.Span)
		}
		if n := messages(t, b, TopicPutSize, "orders", w); n != 100*o.Messages {
			t.Errorf("%v: %d bytes of %d messages", w.length, n, o.Messages)
		}
		if o.Messages != 30*o.Times {
			t.Errorf("%v: %d calls for %d messages", w.length, o.Times, o.Messages)
		}
	}
	if n := len(b.puts.findString("orders").past); n > 48 {
		t.Errorf("%d spans of the past are kept", n)
	}
}

func TestWhatIsCountedShowsBeforeItIsSampled(t *testing.T) {
	b, _ := fixture()
	b.CountPut("orders", 2, 20)
	b.CountPut("orders", 1, 10)
	for _, w := range []Window{TenSeconds, Minute, TenMinutes, Hour, Day} {
		if n := messages(t, b, TopicPutNums, "orders", w); n != 3 {
			t.Errorf("%v: %d messages, expected 3", w.length, n)
		}
	}
	if r := b.PutPerSecond("orders"); r != 0.3 {
		t.Errorf("%v a second in the first ten", r)
	}
}

func TestMessagesLeaveTheWindowsOneAfterTheOther(t *testing.T) {
	b, h := fixture()
	b.CountGot("group", "orders", 5, 50)
	at := time.Duration(0)
	for _, step := range []struct {
		at   time.Duration
		want [4]int64 // minute, ten minutes, hour, day
	}{
		{40 * time.Second, [4]int64{5, 5, 5, 5}}, {70 * time.Second, [4]int64{0, 5, 5, 5}}, {11 * time.Minute, [4]int64{0, 0, 5, 5}},
		{61 * time.Minute, [4]int64{0, 0, 0, 5}}, {23 * time.Hour, [4]int64{0, 0, 0, 5}},
	} {
		h.pass(b, step.at-at, func() {})
		at = step.at
		for i, w := range []Window{Minute, TenMinutes, Hour, Day} {
			if n := messages(t, b, GroupGetNums, "orders@group", w); n != step.want[i] {
				t.Errorf("after %v: %d in %v, expected %d", step.at, n, w.length, step.want[i])
			}
		}
	}
	h.pass(b, 3*time.Hour, func() {})
	if _, _, ok := b.View(GroupGetNums, "orders@group", Day); ok {
		t.Error("a counter of which nothing is left is kept")
	}
	if n := b.Got.Total().Messages; n != 5 {
		t.Errorf("%d in total", n)
	}
}

func TestTheBrokersCountersHaveThoseOfAllTopics(t *testing.T) {
	b, _ := fixture()
	b.CountPut("orders", 3, 30)
	b.CountPut("SYS_TRACE", 4, 40)
	b.CountGot("g", "orders", 2, 20)
	b.CountGot("g", "SYS_TRACE", 1, 10)
	b.CountSentBack("g", "orders")
	for name, want := range map[string]int64{BrokerPutNums: 7, UserPutNums: 3, BrokerGetNums: 3, UserGetNums: 2} {
		if n := messages(t, b, name, "cluster", Minute); n != want {
			t.Errorf("%s: %d, expected %d", name, n, want)
		}
		if _, _, ok := b.View(name, "elsewhere", Minute); ok {
			t.Errorf("%s of another cluster", name)
		}
	}
	if n := messages(t, b, SendBackNums, "orders@g", Minute); n != 1 {
		t.Errorf("%d sent back", n)
	}
	if _, _, ok := b.View("COMMERCIAL_SEND_TIMES", "cluster", Minute); ok {
		t.Error("a name that isn't kept")
	}
}

func TestWhatIsGoneIsForgotten(t *testing.T) {
	b, _ := fixture()
	for _, topic := range []string{"a", "b"} {
		b.CountPut(topic, 1, 1)
		for _, group := range []string{"a", "g"} {
			b.CountGot(group, topic, 1, 1)
		}
	}
	b.Forget("a")
	b.ForgetGroup("g")
	for key, want := range map[string]bool{"a@a": false, "a@g": false, "b@a": true, "b@g": false} {
		if _, _, ok := b.View(GroupGetNums, key, Minute); ok != want {
			t.Errorf("%s: %v", key, ok)
		}
	}
	if b.PutPerSecond("a") != 0 || b.PutPerSecond("b") == 0 {
		t.Error("puts")
	}
}

func TestTotalsStandAsTheyStoodInTheMorning(t *testing.T) {
	b, h := fixture()
	count := func() { b.CountPut("t", 1, 1); b.CountGot("g", "t", 2, 2) }
	h.pass(b, 20*time.Minute, count)
	put, got := b.Totals()
	if want := (Totals{0, 60, 120}); put != want {
		t.Errorf("put %+v, expected %+v", put, want)
	}
	if want := (Totals{0, 120, 240}); got != want {
		t.Errorf("got %+v, expected %+v", got, want)
	}
	h.pass(b, 24*time.Hour, count)
	if put, _ = b.Totals(); put.YesterdayMorning != 60 || put.TodayMorning != 60+8640 {
		t.Errorf("a day later %+v", put)
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	b, _ := fixture()
	count := func() { b.CountPut("orders", 1, 100); b.CountGot("group", "orders", 1, 100) }
	if n := testing.AllocsPerRun(100, count); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNothingIsLostBetweenCountersAndSamples(t *testing.T) {
	b, h := fixture()
	var counting sync.WaitGroup
	for g := range 4 {
		counting.Go(func() {
			for i := range 2000 {
				b.CountPut(fmt.Sprint("topic", i%7), 1, int64(g))
			}
		})
	}
	for range 50 {
		b.Sample()
	}
	counting.Wait()
	b.Sample()
	h.t = h.t.Add(time.Second)
	var sum int64
	for i := range 7 {
		sum += messages(t, b, TopicPutNums, fmt.Sprint("topic", i), Minute)
	}
	if sum != 8000 || b.Put.Total().Messages != 8000 {
		t.Errorf("%d by topic, %d in all, of 8000", sum, b.Put.Total().Messages)
	}
}

func TestAHistogramTellsHowLongPutsTook(t *testing.T) {
	var h Histogram
	if h.Quantile(0.99) != 0 || h.Longest() != 0 {
		t.Error("an empty one")
	}
	h.Observe(30*time.Microsecond, 98)
	h.Observe(10*time.Millisecond, 1)
	h.Observe(20*time.Second, 1)
	if q := h.Quantile(0.5); q != 50*time.Microsecond {
		t.Errorf("half of them within %v", q)
	}
	if q := h.Quantile(0.99); q != 20*time.Millisecond {
		t.Errorf("99 %% within %v", q)
	}
	if q := h.Quantile(1); q != 20*time.Second || h.Longest() != q {
		t.Errorf("all within %v, %v", q, h.Longest())
	}
	want := "[<=0ms]:98 [0~10ms]:0 [10~50ms]:1 [50~100ms]:0 [100~200ms]:0 [200~500ms]:0 [500ms~1s]:0 [1~2s]:0 [2~3s]:0 [3~4s]:0 [4~5s]:0 [5~10s]:0 [10s~]:1 "
	if s := h.String(); s != want {
		t.Errorf("%s\nexpected\n%s", s, want)
	}
}

func BenchmarkCountPut(b *testing.B) {
	s, _ := fixture()
	b.ReportAllocs()
	for b.Loop() {
		s.CountPut("orders", 1, 100)
	}
}
