package commitlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

const (
	testDir     = "store/commitlog"
	testSegment = 8 << 10
)

// aTime is when tests begin.
var aTime = time.Date(2026, 3, 1, 4, 30, 0, 0, time.UTC)

// testOptions are those of a log in fsys whose files are small.
func testOptions(fsys vfs.FS) Options {
	return Options{
		FS: fsys, Dirs: []string{testDir}, SegmentSize: testSegment, FlushInterval: time.Hour,
		CRCProperty: true, Now: func() time.Time { return aTime },
	}
}

// mustOpen opens a log without its goroutines: nothing happens in it that the test doesn't do.
func mustOpen(t testing.TB, o Options, s Start) (*Log, Recovery) {
	t.Helper()
	l, rec, err := open(o, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, rec
}

// openNew opens an empty log in memory.
func openNew(t testing.TB, change func(*Options)) (*Log, *vfs.Mem) {
	t.Helper()
	mem := vfs.NewMem()
	o := testOptions(mem)
	if change != nil {
		change(&o)
	}
	l, _ := mustOpen(t, o, Start{From: -1})
	return l, mem
}

// reopen opens what is in fsys as after the death of a process.
func reopen(t testing.TB, fsys vfs.FS) (*Log, Recovery) {
	t.Helper()
	return mustOpen(t, testOptions(fsys), Start{From: -1})
}

// numbers is an Assigner: the queues are those of the drafts' topic and queue id.
type numbers struct {
	t      testing.TB
	next   map[queue]int64
	refuse func(*record.Draft) error
	late   func(*record.Draft) bool
}

type queue struct {
	topic string
	id    int32
}

func newNumbers(t testing.TB) *numbers { return &numbers{t: t, next: map[queue]int64{}} }

func (n *numbers) Assign(d *record.Draft) error {
	if n.refuse != nil {
		if err := n.refuse(d); err != nil {
			return err
		}
	}
	q := queue{d.Topic, d.QueueID}
	d.QueueOffset = n.next[q]
	n.next[q]++
	if n.LateBound(d) {
		d.MoreProperties = record.AppendProperty(nil, record.PropMultiQueueOffset, fmt.Sprint(d.QueueOffset))
	}
	return nil
}

func (n *numbers) Unassign(d *record.Draft) {
	q := queue{d.Topic, d.QueueID}
	if n.next[q]--; n.next[q] != d.QueueOffset {
		n.t.Errorf("number %d of %v given back, the last one given was %d", d.QueueOffset, q, n.next[q])
	}
}

func (n *numbers) LateBound(d *record.Draft) bool { return n.late != nil && n.late(d) }

var testHost = record.Host{IP: netip.AddrFrom4([4]byte{10, 0, 0, 7}), Port: 10911}

// draft is a message of one queue.
func draft(body string) record.Draft { return draftTo("T", 0, body) }

func draftTo(topic string, queueID int32, body string) record.Draft {
	return record.Draft{
		Topic: topic, QueueID: queueID, Body: []byte(body), Properties: []byte("TAGS\x01a\x02"),
		BornTimestamp: 1700000000000, BornHost: testHost, StoreHost: testHost,
	}
}

// overhead is what the record of draft has beside its body.
func overhead(crcProperty bool) int {
	d := draft("")
	rec, err := d.AppendTo(nil, crcProperty)
	if err != nil {
		panic(err)
	}
	return len(rec)
}

// sized is a draft whose record has n bytes.
func sized(n int) record.Draft {
	return draft(string(bytes.Repeat([]byte{'x'}, n-overhead(true))))
}

// joined makes a client's batch of drafts.
func joined(ds ...record.Draft) []record.Draft {
	for i := range ds {
		ds[i].Joined = i > 0
	}
	return ds
}

func mustAppend(t testing.TB, l *Log, a Assigner, ds ...record.Draft) []record.Draft {
	t.Helper()
	if err := l.Append(ds, a); err != nil {
		t.Fatal(err)
	}
	for i := range ds {
		if ds[i].Err != nil {
			t.Fatalf("message %d: %v", i, ds[i].Err)
		}
	}
	return ds
}

// contents are the messages of a log's readable part, each checked in full.
func contents(t testing.TB, l *Log) []record.Record {
	t.Helper()
	return contentsFrom(t, l, l.Min(), record.Check{BodyCRC: true, RecordCRC: true})
}

func contentsFrom(t testing.TB, l *Log, from int64, check record.Check) []record.Record {
	t.Helper()
	var all []record.Record
	for at := from; at < l.Max(); {
		v, err := l.ViewUpTo(at, l.Max(), int(l.SegmentSize()))
		if err != nil {
			t.Fatal(err)
		}
		b := bytes.Clone(v.Bytes())
		v.Release()
		n, kind, err := record.Verify(b, at, check)
		if err != nil || n == 0 {
			t.Fatalf("record at %d of [%d,%d): size %d, %v", at, l.Min(), l.Max(), n, err)
		}
		if kind == record.Message {
			var r record.Record
			if err := record.Decode(b[:n], &r); err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
		}
		at += int64(n)
	}
	return all
}

func bodies(t testing.TB, l *Log) []string {
	t.Helper()
	var all []string
	for _, r := range contents(t, l) {
		all = append(all, string(r.Body))
	}
	return all
}

// checkNumbers fails unless the messages of each queue are numbered from 0 without a gap.
func checkNumbers(t testing.TB, all []record.Record) {
	t.Helper()
	next := map[queue]int64{}
	for _, r := range all {
		q := queue{string(r.Topic), r.QueueID}
		if r.QueueOffset != next[q] {
			t.Errorf("%v: number %d after %d messages (log offset %d)", q, r.QueueOffset, next[q], r.LogOffset)
		}
		next[q]++
	}
}

// logBytes is what a log holds in [from, to), blank records and what lies behind them included.
func logBytes(t testing.TB, l *Log, from, to int64) []byte {
	t.Helper()
	var b []byte
	for from < to {
		v, err := l.ViewUpTo(from, to, int(to-from))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, v.Bytes()...)
		from += int64(len(v.Bytes()))
		v.Release()
	}
	return b
}

// faults makes operations of a file system fail that match.
type faults struct{ match func(vfs.Op) error }

func (f *faults) before(op vfs.Op) error {
	if f.match == nil {
		return nil
	}
	return f.match(op)
}

// nth fails the n-th operation of a kind, counted from 0, with err.
func nth(kind vfs.OpKind, n int, err error) func(vfs.Op) error {
	return func(op vfs.Op) error {
		if op.Kind != kind {
			return nil
		}
		n--
		if n == -1 {
			return err
		}
		return nil
	}
}

var errInjected = errors.New("injected")

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6c6f67)) }

// corrupt changes one byte of a file in place.
func corrupt(t testing.TB, fsys vfs.FS, name string, at int64, change func(byte) byte) {
	t.Helper()
	f, err := fsys.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] = change(b[0])
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

func flip(b byte) byte { return b ^ 0x10 }

func be32(b []byte) int64 { return int64(int32(binary.BigEndian.Uint32(b))) }

// clockAt is a clock that stands n ms after aTime.
func clockAt(n int64) func() time.Time {
	return func() time.Time { return aTime.Add(time.Duration(n) * time.Millisecond) }
}
