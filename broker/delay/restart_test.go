package delay

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestARestartDeliversWhatWasPendingAndNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		p := m.boot(t, nil)
		p.send(t, p.wait("a", 1, "orders", 0), p.wait("b", 2, "orders", 0))
		sleep(2 * time.Second)
		p.stop(t)
		sleep(time.Hour)
		p = m.boot(t, nil)
		defer p.stop(t)
		sleep(time.Millisecond)
		if got := p.keys(t, "orders", 0); got != "a b" {
			t.Errorf("delivered %q", got)
		}
	})
}

// TestAKilledProcessHasDeliveredNothingTwice kills it before the offsets were ever saved, when they are old, and when the file is gone in
// favour of its backup.
func TestAKilledProcessHasDeliveredNothingTwice(t *testing.T) {
	const file = "store/config/delayOffset.json"
	for name, damage := range map[string]func(*vfs.Mem) error{
		"as it is": func(*vfs.Mem) error { return nil },
		"the backup": func(m *vfs.Mem) error {
			return errors.Join(vfs.WriteFileWithBackup(m, file, []byte("{\n\t\"crc32c\":\"00000000\",")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine()
				p := m.boot(t, nil)
				// The first message of the log is one that waits: copies of it carry the log offset 0, as all other records do.
				for n := range 5 {
					p.send(t, p.wait(keyOf(n), 1, "orders", 0), p.wait("late"+keyOf(n), 3, "orders", 1))
				}
				sleep(2 * time.Second)
				p.die((*vfs.Mem).Kill)
				want := "m0 m1 m2 m3 m4"
				for life := range 3 {
					p = m.boot(t, nil)
					sleep(time.Millisecond)
					if got := p.keys(t, "orders", 0); got != want {
						t.Fatalf("life %d: delivered %q, expected %q", life, got, want)
					}
					key := fmt.Sprint("life", life)
					p.send(t, p.wait(key, 1, "orders", 0))
					want += " " + key
					sleep(9 * time.Second)
					p.send(t, p.wait(key+"+", 1, "orders", 0))
					want += " " + key + "+"
					sleep(2 * time.Second)
					p.die((*vfs.Mem).Kill)
					if err := damage(m.mem); err != nil {
						t.Fatal(err)
					}
				}
				p = m.boot(t, nil)
				defer p.stop(t)
				sleep(time.Minute)
				if got := p.keys(t, "orders", 1); got != "latem0 latem1 latem2 latem3 latem4" {
					t.Errorf("delivered %q", got)
				}
			})
		})
	}
}

func TestWhatThePowerTookIsDeliveredAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		p := m.open(t, func(s *setup) { s.store.Log.FlushInterval, s.store.CheckpointInterval = time.Hour, time.Hour })
		p.send(t, p.wait("a", 1, "orders", 0), p.wait("b", 1, "orders", 0))
		if err := p.store.Log.Flush(); err != nil {
			t.Fatal(err)
		}
		sleep(time.Second)
		p.Start()
		sleep(time.Millisecond)
		if got := p.keys(t, "orders", 0); got != "a b" {
			t.Fatalf("delivered %q", got)
		}
		p.die(func(mem *vfs.Mem) *vfs.Mem { return mem.Crash(rand.New(rand.NewPCG(1, 2))) })
		p = m.boot(t, nil)
		defer p.stop(t)
		sleep(time.Millisecond)
		if got := p.keys(t, "orders", 0); got != "a b" {
			t.Errorf("delivered %q", got)
		}
	})
}

// TestOffsetsAreSavedAfterTheCopiesThatTheyCount fails where an offset could outlive the delivery that it stands for.
func TestOffsetsAreSavedAfterTheCopiesThatTheyCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		var broken atomic.Bool
		p := m.open(t, func(s *setup) {
			s.store.Log.FlushInterval, s.store.CheckpointInterval = time.Hour, time.Hour
			s.fs = vfs.Fault(m.mem, func(op vfs.Op) error {
				if broken.Load() && op.Kind == vfs.OpDatasync {
					return vfs.ErrIO
				}
				return nil
			})
		})
		p.send(t, p.wait("a", 1, "orders", 0))
		sleep(time.Second)
		p.Start()
		sleep(time.Millisecond)
		broken.Store(true)
		sleep(time.Minute)
		if s, _ := p.opts.Offsets.Last(); len(s.Offsets) != 0 {
			t.Errorf("saved %+v although the log could not be flushed", s)
		}
		m.logged(t, "offsets not saved")
		p.die((*vfs.Mem).Kill)
	})
}

func TestOffsetsAreSavedForATraveller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		p := m.boot(t, nil)
		p.send(t, p.wait("a", 1, "orders", 0), p.wait("b", 1, "orders", 0), p.wait("c", 2, "orders", 0))
		sleep(2 * time.Second)
		p.stop(t)
		b, err := vfs.ReadFile(m.mem, "store/config/delayOffset.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"offsetTable": {` + "\n\t\t" + `"1": 2` + "\n\t}", `"counter": 1`, `"logOffset": ` + itoa(p.store.Log.Max())} {
			if !strings.Contains(string(b), want) {
				t.Errorf("%s is not in\n%s", want, b)
			}
		}
		// RocketMQ has been here: it delivered c, and leaves out what it doesn't know.
		const theirs = "{\n\t\"dataVersion\":{\n\t\t\"counter\":7,\n\t\t\"stateVersion\":0,\n\t\t\"timestamp\":1795451268136\n\t},\n\t\"offsetTable\":{1:2,2:1}\n}"
		if err := vfs.WriteFileWithBackup(m.mem, "store/config/delayOffset.json", []byte(theirs)); err != nil {
			t.Fatal(err)
		}
		p = m.boot(t, nil)
		defer p.stop(t)
		sleep(time.Minute)
		if got := p.keys(t, "orders", 0); got != "a b" {
			t.Errorf("delivered %q", got)
		}
		if s, v := p.opts.Offsets.Last(); v.Counter != 7 || s.LogOffset < 0 || s.Offsets[2] != 1 {
			t.Errorf("%+v version %+v", s, v)
		}
	})
}

func TestOffsetsBeyondTheirQueueAreTakenBackToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		if err := m.mem.MkdirAll("store/config"); err != nil {
			t.Fatal(err)
		}
		if err := vfs.WriteFileWithBackup(m.mem, "store/config/delayOffset.json", []byte(`{"offsetTable":{1:40,"2":-3},"logOffset":4711}`)); err != nil {
			t.Fatal(err)
		}
		p := m.boot(t, nil)
		defer p.stop(t)
		p.send(t, p.wait("a", 1, "orders", 0), p.wait("b", 2, "orders", 0))
		sleep(time.Minute)
		if got := p.keys(t, "orders", 0); got != "a b" {
			t.Errorf("delivered %q", got)
		}
		m.logged(t, "beyond the end", "was=40", "now=0")
	})
}

func TestMessagesOfALevelThatIsNoLongerConfiguredAreDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		p := m.boot(t, nil)
		p.send(t, p.wait("a", 3, "orders", 0), p.wait("b", 2, "orders", 0))
		sleep(2 * time.Second)
		p.stop(t)
		p = m.boot(t, func(s *setup) { s.levels = []time.Duration{2 * time.Second, 20 * time.Second} })
		defer p.stop(t)
		p.send(t, p.wait("c", 2, "orders", 0), p.wait("d", 1, "orders", 0))
		sleep(time.Minute)
		if got := p.keys(t, "orders", 0); got != "d b a c" {
			t.Errorf("delivered %q", got)
		}
		all := p.Levels()
		if len(all) != 3 || all[2] != (Level{Number: 3, Delay: 20 * time.Second, Offset: 1, Next: 1}) {
			t.Errorf("levels %+v", all)
		}
	})
}

func TestMessagesThatWereRetiredBeforeTheyWereDeliveredDoNotHoldUpTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		p := m.open(t, nil)
		for n := range 300 {
			d := p.wait(keyOf(n), 1, "orders", 0)
			d.Body = make([]byte, 1000)
			p.send(t, d)
		}
		sleep(time.Second)
		if err := p.store.Log.Flush(); err != nil {
			t.Fatal(err)
		}
		p.stop(t)
		if err := m.mem.Remove("store/commitlog/00000000000000000000"); err != nil {
			t.Fatal(err)
		}
		p = m.boot(t, nil)
		defer p.stop(t)
		sleep(time.Minute)
		all := p.in(t, "orders", 0)
		if len(all) < 200 || len(all) > 299 || all[len(all)-1].key != "m299" {
			t.Errorf("%d delivered", len(all))
		}
	})
}

func TestALogThatIsNotTheOneThatOffsetsWereSavedWithIsSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		p := m.boot(t, nil)
		p.send(t, p.wait("a", 1, "orders", 0), p.wait("b", 2, "orders", 0))
		sleep(2 * time.Second)
		p.stop(t)
		if err := vfs.WriteFileWithBackup(m.mem, "store/config/delayOffset.json", []byte(`{"offsetTable":{1:1},"logOffset":17}`)); err != nil {
			t.Fatal(err)
		}
		p = m.boot(t, nil)
		defer p.stop(t)
		sleep(time.Minute)
		if got := p.keys(t, "orders", 0); got != "a b" {
			t.Errorf("delivered %q", got)
		}
		m.logged(t, "may be delivered again", "17")
	})
}

func TestRecordsOfAllSizesAreSeenWhenTheLogIsReadForCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		big := func(s *setup) { s.store.Log.SegmentSize, s.store.Log.MaxMessageSize = 4<<20, 3<<20 }
		p := m.open(t, big)
		sizes := []int{1, window - 200, window, window + 1, 2 * window, 3, 100_000}
		var want []int64
		for i, n := range sizes {
			d := p.wait(keyOf(i), 3, "orders", 0)
			d.Body = make([]byte, n)
			want = append(want, p.send(t, d)[0].LogOffset)
		}
		var got []int64
		note := func(r *record.Record) error {
			got = append(got, r.LogOffset)
			return nil
		}
		if err := p.eachRecord(0, p.store.Log.Max(), note); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("saw the records at %v, %v; expected %v", got, err, want)
		}
		p.stop(t)
	})
}

func FuzzEachWhole(f *testing.F) {
	d := record.Draft{Topic: "t", Body: []byte("b"), BornHost: host, StoreHost: host}
	whole, err := d.AppendTo(nil, false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(record.AppendBlank(append(whole, whole...), 100))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		seen := int64(0)
		used, err := eachWhole(b, func(r *record.Record) error {
			seen += int64(r.Size)
			return nil
		})
		if used < seen || err == nil && used == 0 && len(b) >= 8 && int(record.Size(b)) <= len(b) {
			t.Errorf("%d bytes of records seen, %d used of %d, %v", seen, used, len(b), err)
		}
	})
}
