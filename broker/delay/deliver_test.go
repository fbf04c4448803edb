package delay

import (
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gantry-mq/gantry/broker/meta"
	"github.com/gantry-mq/gantry/broker/store"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"github.com/gantry-mq/gantry/consumequeue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func unitAt(t testing.TB, q *store.Queue, off int64) consumequeue.Unit {
	t.Helper()
	var us [1]consumequeue.Unit
	if n, err := q.Read(us[:], off); n != 1 || err != nil {
		t.Fatalf("%s/%d has no unit at %d: %v", q.Topic, q.ID, off, err)
	}
	return us[0]
}

func TestAMessageIsDeliveredWhenItIsDueAndNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newMachine().boot(t, nil)
		defer p.stop(t)
		sleep(time.Hour) // the levels are idle
		sent := p.send(t, p.wait("a", 3, "orders", 1), p.wait("b", 1, "orders", 1))
		sleep(999 * time.Millisecond)
		if got := p.keys(t, "orders", 1); got != "" {
			t.Fatalf("delivered early: %s", got)
		}
		sleep(time.Millisecond)
		if got := p.keys(t, "orders", 1); got != "b" {
			t.Fatalf("after 1 s there is %q", got)
		}
		sleep(9 * time.Second)
		all := p.in(t, "orders", 1)
		if len(all) != 2 || all[1].key != "a" {
			t.Fatalf("after 10 s there is %q", p.keys(t, "orders", 1))
		}
		for i, f := range []int{1, 0} {
			if want := sent[f].StoreTimestamp + levels[sent[f].QueueID].Milliseconds(); all[i].StoreTimestamp != want {
				t.Errorf("%s was delivered at %d, expected %d", all[i].key, all[i].StoreTimestamp, want)
			}
		}
	})
}

func TestACopyIsTheMessageAndSaysWhereItIsFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newMachine().boot(t, nil)
		defer p.stop(t)
		d := p.wait("a", 1, "orders", 2, "KEYS", "k", "WAIT", "true", "X", "y")
		d.SysFlag = record.SysCompressed
		p.send(t, p.wait("first", 2, "orders", 0)) // so that the log offset isn't 0
		was := p.send(t, d)[0]
		sleep(2 * time.Second)
		all := p.in(t, "orders", 2)
		if len(all) != 1 {
			t.Fatalf("%d messages", len(all))
		}
		got := all[0]
		if string(got.Body) != "body of a" || got.Flag != 3 || got.ReconsumeTimes != 2 || got.SysFlag != record.SysCompressed || got.BornTimestamp != d.BornTimestamp ||
			got.BornHost != host || got.StoreHost != host || got.PreparedTransactionOffset != was.LogOffset {
			t.Errorf("delivered %+v", got)
		}
		if props := string(record.RemoveProperty(got.Properties, record.PropCRC32)); props != string(d.Properties) {
			t.Errorf("properties %q, expected %q", props, d.Properties)
		}
		if got.unit != record.TagCode([]byte("red")) {
			t.Errorf("tag code %d, which isn't that of its tags", got.unit)
		}
	})
}

func TestABacklogIsDeliveredInItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		p := m.open(t, nil)
		var want []string
		for n := range 3 * maxUnits {
			p.send(t, p.wait(keyOf(n), 1, "orders", 0))
			want = append(want, keyOf(n))
		}
		large := p.wait("large", 1, "orders", 0)
		large.Body = make([]byte, 40<<10)
		p.send(t, large)
		sleep(2 * time.Second)
		before := p.store.Log.Stats().Messages
		p.Start()
		sleep(time.Millisecond)
		if got := p.keys(t, "orders", 0); got != strings.Join(append(want, "large"), " ") {
			t.Errorf("delivered %s", got)
		}
		if n := p.store.Log.Stats().Messages - before; n != int64(len(want)+1) {
			t.Errorf("%d messages were stored", n)
		}
		delivered, skipped := p.Counts()
		if delivered != int64(len(want)+1) || skipped != 0 {
			t.Errorf("%d delivered, %d skipped", delivered, skipped)
		}
		p.stop(t)
	})
}

func TestMessagesThatCannotBeDeliveredAreSkippedWithALogLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		p := m.open(t, nil)
		for key, topic := range map[string]string{
			"half": meta.HalfTopic, "op": meta.OpHalfTopic, "itself": meta.ScheduleTopic, "name": "a/b", "none": "",
		} {
			p.send(t, p.wait(key, 1, topic, 0), p.wait("after "+key, 1, "orders", 0))
		}
		bare := p.wait("bare", 1, "orders", 0)
		bare.Properties = []byte("DELAY\x011\x02")
		p.send(t, bare, p.wait("negative", 1, "orders", -1), p.wait("large", 1, "new", 1<<31-1))
		off := p.send(t, p.wait("damaged", 1, "orders", 0))[0].LogOffset
		p.send(t, p.wait("last", 1, "orders", 0))
		sleep(time.Second)
		// The body of one lies on a bad sector.
		f, err := m.mem.Open("store/commitlog/00000000000000000000")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("?"), off+88); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		p.Start()
		sleep(time.Millisecond)
		got := p.in(t, "orders", 0)
		if len(got) != 6 || got[5].key != "last" {
			t.Errorf("delivered %s", p.keys(t, "orders", 0))
		}
		if _, skipped := p.Counts(); skipped != 9 {
			t.Errorf("%d were skipped", skipped)
		}
		m.logged(t, "not delivered", meta.HalfTopic)
		m.logged(t, "not delivered", "logOffset="+itoa(off), "CRC")
		p.stop(t)
	})
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestAMessageOfADeletedTopicIsNotDeliveredToALaterOneOfItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		p := m.boot(t, nil)
		defer p.stop(t)
		for _, name := range []string{"gone", "again"} {
			if _, err := p.topics.Ensure(meta.NewTopic(name, 1)); err != nil {
				t.Fatal(err)
			}
		}
		p.send(t, p.wait("a", 1, "gone", 0), p.wait("b", 1, "again", 0))
		for _, name := range []string{"gone", "again"} {
			if err := p.topics.Delete(name); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.topics.Ensure(meta.NewTopic("again", 1)); err != nil {
			t.Fatal(err)
		}
		p.send(t, p.wait("c", 1, "again", 0))
		sleep(2 * time.Second)
		if gone, again := p.keys(t, "gone", 0), p.keys(t, "again", 0); gone != "" || again != "c" {
			t.Errorf("gone has %q, again has %q", gone, again)
		}
		if p.topics.Table.Get("gone") != nil {
			t.Error("the deleted topic is there again")
		}
		m.logged(t, "not delivered", "gone", "deleted")
	})
}

func TestATopicWithoutConfigurationIsAdoptedByTheMessageThatIsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newMachine().boot(t, nil)
		defer p.stop(t)
		p.send(t, p.wait("a", 1, "lost", 2))
		sleep(2 * time.Second)
		c := p.topics.Table.Get("lost")
		if got := p.keys(t, "lost", 2); got != "a" || c == nil || c.ReadQueues != 3 {
			t.Errorf("delivered %q to %+v", got, c)
		}
	})
}

func TestAMessageForAQueueThatATopicHasNoLongerGoesToAnotherOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newMachine().boot(t, nil)
		defer p.stop(t)
		p.send(t, p.wait("a", 1, "orders", 7))
		sleep(2 * time.Second)
		if got := p.keys(t, "orders", 3); got != "a" {
			t.Errorf("queue 3 has %q", got)
		}
	})
}

func TestWhatCannotBeStoredNowIsStoredLaterOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		var full atomic.Bool
		p := m.open(t, func(s *setup) {
			s.fs = vfs.Fault(m.mem, func(op vfs.Op) error {
				if full.Load() && op.Kind == vfs.OpWrite && strings.Contains(op.Name, "commitlog") {
					return vfs.ErrFull
				}
				return nil
			})
		})
		p.send(t, p.wait("a", 1, "orders", 0), p.wait("b", 1, "orders", 0))
		full.Store(true)
		p.Start()
		sleep(5 * time.Second)
		if got := p.keys(t, "orders", 0); got != "" {
			t.Fatalf("delivered %s to a full disk", got)
		}
		m.logged(t, "deliveries paused", "level=1")
		if n := strings.Count(m.log.String(), "deliveries paused"); n != 1 {
			t.Errorf("that deliveries paused was said %d times", n)
		}
		full.Store(false)
		sleep(time.Second)
		if got := p.keys(t, "orders", 0); got != "a b" {
			t.Errorf("delivered %q", got)
		}
		m.logged(t, "deliveries go on", "level=1")
		p.stop(t)
	})
}

func TestAMessageThatTheLogTakesNoMoreDoesNotHoldUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		p := m.open(t, nil)
		large := p.wait("large", 1, "orders", 0)
		large.Body = make([]byte, 2000)
		p.send(t, p.wait("a", 1, "orders", 0), large, p.wait("b", 1, "orders", 0))
		p.stop(t)
		p = m.boot(t, func(s *setup) { s.store.Log.MaxMessageSize = 1000 })
		defer p.stop(t)
		sleep(2 * time.Second)
		if got := p.keys(t, "orders", 0); got != "a b" {
			t.Errorf("delivered %q", got)
		}
		m.logged(t, "not delivered", "too large")
	})
}

func TestAClockThatIsSetForwardMakesMessagesDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		var ahead atomic.Int64
		m.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		p := m.boot(t, nil)
		defer p.stop(t)
		p.send(t, p.wait("a", 3, "orders", 0))
		sleep(500 * time.Millisecond)
		ahead.Store(int64(time.Hour))
		sleep(maxSleep)
		if got := p.keys(t, "orders", 0); got != "a" {
			t.Errorf("delivered %q", got)
		}
	})
}

func TestAfterTheClockIsSetBackMessagesWaitForNoLongerThanTheirLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		var ahead atomic.Int64
		m.clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		p := m.boot(t, nil)
		defer p.stop(t)
		p.send(t, p.wait("a", 3, "orders", 0))
		sleep(4 * time.Second)
		p.send(t, p.wait("b", 3, "orders", 0))
		sleep(time.Second / 2)
		ahead.Store(-int64(24 * time.Hour))
		sleep(levels[2])
		p.send(t, p.wait("c", 3, "orders", 0))
		sleep(maxSleep)
		if got := p.keys(t, "orders", 0); got != "a" {
			t.Errorf("delivered %q, expected a alone", got)
		}
		sleep(4 * time.Second)
		if got := p.keys(t, "orders", 0); got != "a b" {
			t.Errorf("delivered %q, expected a and b", got)
		}
		sleep(levels[2] - 5*time.Second - maxSleep)
		if got := p.keys(t, "orders", 0); got != "a b" {
			t.Errorf("delivered %q: c came after the clock was set, and is early", got)
		}
		sleep(2 * maxSleep)
		if got := p.keys(t, "orders", 0); got != "a b c" {
			t.Errorf("delivered %q", got)
		}
	})
}

func TestADueTimeInAnExtensionFileIsFollowedAndIsNotMissedWhenItIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		ext := func(s *setup) { s.store.QueueExt = true }
		p := m.boot(t, ext)
		p.send(t, p.wait("a", 1, "orders", 0), p.wait("b", 2, "orders", 0))
		sleep(time.Second)
		if got := p.keys(t, "orders", 0); got != "a" {
			t.Errorf("delivered %q", got)
		}
		p.stop(t)
		if err := m.mem.RemoveAll("store/consumequeue_ext"); err != nil {
			t.Fatal(err)
		}
		p = m.boot(t, ext)
		defer p.stop(t)
		sleep(3 * time.Second)
		if got := p.keys(t, "orders", 0); got != "a" {
			t.Errorf("delivered %q", got)
		}
		sleep(time.Second)
		if got := p.keys(t, "orders", 0); got != "a b" {
			t.Errorf("delivered %q", got)
		}
	})
}

func TestEveryErrorThatNeverPassesIsHopelessAndNoOther(t *testing.T) {
	for _, err := range []error{vfs.ErrFull, vfs.ErrIO, errors.New("x"), nil} {
		if hopeless(err) {
			t.Errorf("%v is no reason to lose a message", err)
		}
	}
}
