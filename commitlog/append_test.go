package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gantry-mq/gantry/commitlog/record"
)

func TestAppendStoresWhatTheDraftSays(t *testing.T) {
	v6 := record.Host{IP: netip.MustParseAddr("2001:db8::7"), Port: 10911}
	long := strings.Repeat("long-", 30)
	for name, change := range map[string]func(*record.Draft){
		"as it is":    func(*record.Draft) {},
		"no body":     func(d *record.Draft) { d.Body = nil },
		"IPv6 client": func(d *record.Draft) { d.BornHost = v6 },
		"IPv6 server": func(d *record.Draft) { d.StoreHost = v6 },
		"IPv6":        func(d *record.Draft) { d.BornHost, d.StoreHost = v6, v6 },
		"version 2":   func(d *record.Draft) { d.Topic = long },
		"committed": func(d *record.Draft) {
			d.SysFlag, d.PreparedTransactionOffset, d.ReconsumeTimes = record.SysTransactionCommit, 4711, 3
		},
		"large": func(d *record.Draft) { d.Body = bytes.Repeat([]byte("0123456789"), 500) },
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := openNew(t, nil)
			a := newNumbers(t)
			mustAppend(t, l, a, draft("before"))
			d := draftTo("T", 3, "body")
			d.Flag = 9
			change(&d)
			a.next[queue{d.Topic, 3}] = 41
			d = mustAppend(t, l, a, d)[0]

			if d.QueueOffset != 41 || d.LogOffset != l.Max()-int64(d.Size) || d.StoreTimestamp != aTime.UnixMilli() {
				t.Errorf("queue offset %d, log offset %d, stored at %d", d.QueueOffset, d.LogOffset, d.StoreTimestamp)
			}
			rec, err := l.Record(d.LogOffset, nil)
			if err != nil {
				t.Fatal(err)
			}
			var r record.Record
			if err := record.Decode(rec, &r); err != nil {
				t.Fatal(err)
			}
			props, _ := bytes.CutSuffix(r.Properties, rec[len(rec)-record.CRCPropertySize:])
			got := record.Draft{Topic: string(r.Topic), QueueID: r.QueueID, Flag: r.Flag, SysFlag: r.SysFlag, BornTimestamp: r.BornTimestamp,
				BornHost: r.BornHost, StoreHost: r.StoreHost, ReconsumeTimes: r.ReconsumeTimes, PreparedTransactionOffset: r.PreparedTransactionOffset,
				Body: r.Body, Properties: props, QueueOffset: r.QueueOffset, LogOffset: r.LogOffset, StoreTimestamp: r.StoreTimestamp, Size: r.Size}
			same := cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) })
			if diff := cmp.Diff(d, got, cmpopts.IgnoreUnexported(record.Draft{}), same, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("draft and record differ (-draft +record):\n%s", diff)
			}
			checkCRCs(t, rec)
		})
	}
}

// checkCRCs computes both sums of a record in one plain pass each.
func checkCRCs(t *testing.T, rec []byte) {
	t.Helper()
	var r record.Record
	if err := record.Decode(rec, &r); err != nil {
		t.Fatal(err)
	}
	if want := crc32.ChecksumIEEE(r.Body) & 0x7fffffff; r.BodyCRC != want {
		t.Errorf("body CRC %08x, want %08x", r.BodyCRC, want)
	}
	want := strconv.FormatUint(uint64(crc32.ChecksumIEEE(rec[:len(rec)-20])&0x7fffffff), 10)
	digits := []byte(fmt.Sprintf("%010s", want))
	slices.Reverse(digits)
	if got := string(rec[len(rec)-20:]); got != "__CRC32#\x01"+string(digits)+"\x02" {
		t.Errorf("CRC property %q, want the digits %s", got, digits)
	}
}

func TestAppendPublishesAWholeBatchInOrder(t *testing.T) {
	l, _ := openNew(t, nil)
	a := newNumbers(t)
	var want []string
	for round := range 5 {
		var ds []record.Draft
		for i := range 20 {
			body := fmt.Sprintf("%d/%d", round, i)
			want = append(want, body)
			ds = append(ds, draftTo("T", int32(i%3), body))
		}
		mustAppend(t, l, a, ds...)
		if end := ds[19].LogOffset + int64(ds[19].Size); l.Max() != end || l.Confirmed() != end {
			t.Errorf("max %d, confirmed %d, the batch ends at %d", l.Max(), l.Confirmed(), end)
		}
	}
	if got := bodies(t, l); !slices.Equal(got, want) {
		t.Errorf("the log holds %q", got)
	}
	checkNumbers(t, contents(t, l))
	if s := l.Stats(); s.Messages != 100 || s.Bytes == 0 || s.Rolls == 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestABadMessageFailsAlone(t *testing.T) {
	l, _ := openNew(t, func(o *Options) { o.MaxMessageSize = 1000 })
	a := mixedNumbers(t)
	ds := []record.Draft{
		draft("one"),
		draft(strings.Repeat("x", 1001)),
		draft("two"),
		draftTo("refused", 0, "three"),
		draft("four"),
		draftTo("T", 0, "five"),
		draft("six"),
	}
	ds[5].Properties = bytes.Repeat([]byte("p"), record.MaxPropertiesLen+1)
	if err := l.Append(ds, a); err != nil {
		t.Fatal(err)
	}
	for i, want := range map[int]error{1: ErrTooLarge, 3: errRefusedByTest, 5: record.ErrPropertiesTooLong} {
		if !errors.Is(ds[i].Err, want) {
			t.Errorf("message %d: %v, want %v", i, ds[i].Err, want)
		}
	}
	if got := bodies(t, l); !slices.Equal(got, []string{"one", "two", "four", "six"}) {
		t.Errorf("the log holds %q", got)
	}
	checkNumbers(t, contents(t, l))
}

func TestABadMessageFailsItsClientsBatch(t *testing.T) {
	for name, bad := range map[string]record.Draft{
		"too large": draft(strings.Repeat("x", 1001)),
		"refused":   draftTo("refused", 0, "no"),
		"late too large": func() record.Draft {
			d := draftTo("Late", 0, "l")
			d.Properties = bytes.Repeat([]byte("p"), 32760)
			return d
		}(),
	} {
		for at := range 3 {
			t.Run(fmt.Sprintf("%s, message %d", name, at), func(t *testing.T) {
				l, _ := openNew(t, func(o *Options) { o.MaxMessageSize = 1000; o.SegmentSize = 4096 })
				a := mixedNumbers(t)
				batch := []record.Draft{draft("a"), draft("b"), draft("c")}
				batch[at] = bad
				ds := append([]record.Draft{draft("before")}, joined(batch...)...)
				ds = append(ds, draft("after"))
				if err := l.Append(ds, a); err != nil {
					t.Fatal(err)
				}
				for i := 1; i <= 3; i++ {
					if ds[i].Err == nil {
						t.Errorf("message %d of the batch was stored", i-1)
					}
				}
				if got := bodies(t, l); !slices.Equal(got, []string{"before", "after"}) {
					t.Errorf("the log holds %q", got)
				}
				checkNumbers(t, contents(t, l))
			})
		}
	}
}

func TestAClientsBatchIsInOneSegment(t *testing.T) {
	l, _ := openNew(t, nil)
	a := newNumbers(t)
	for range 10 {
		ds := append([]record.Draft{sized(1500)}, joined(sized(900), sized(900), sized(900))...)
		mustAppend(t, l, a, ds...)
		first, last := ds[1].LogOffset, ds[3].LogOffset+int64(ds[3].Size)-1
		if first/testSegment != last/testSegment {
			t.Errorf("a batch lies in [%d,%d], across segments of %d", first, last, testSegment)
		}
		if ds[2].LogOffset != first+900 {
			t.Errorf("a batch is not in one piece: %d, %d", first, ds[2].LogOffset)
		}
	}
	too := append(joined(sized(4000), sized(4000), sized(400)), draft("after"))
	if err := l.Append(too, a); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(too[0].Err, ErrTooLarge) || !errors.Is(too[2].Err, ErrTooLarge) || too[3].Err != nil {
		t.Errorf("a batch that no segment can hold: %v, %v; the message after it: %v", too[0].Err, too[2].Err, too[3].Err)
	}
}

func TestLateBoundPropertiesAreThoseOfTheNumberGiven(t *testing.T) {
	l, _ := openNew(t, nil)
	a := newNumbers(t)
	a.late = func(d *record.Draft) bool { return d.QueueID == 1 }
	a.next[queue{"T", 1}] = 98
	for range 4 {
		mustAppend(t, l, a, draft("plain"), draftTo("T", 1, "late"), draft("plain"))
	}
	for _, r := range contents(t, l) {
		v, ok := record.Property(r.Properties, record.PropMultiQueueOffset)
		if late := r.QueueID == 1; late != ok || late && string(v) != fmt.Sprint(r.QueueOffset) {
			t.Errorf("queue %d, number %d: property %q, %v", r.QueueID, r.QueueOffset, v, ok)
		}
	}
}

// TestBlankRecordsFillSegmentsExactly: a record may leave eight bytes or more, never fewer.
func TestBlankRecordsFillSegmentsExactly(t *testing.T) {
	for left := range 30 {
		l, _ := openNew(t, nil)
		a := newNumbers(t)
		mustAppend(t, l, a, sized(4000), sized(testSegment-4000-left))
		next := mustAppend(t, l, a, sized(200))[0]
		all := contents(t, l)
		if fits := left >= record.BlankSize; fits != (all[1].LogOffset == 4000) {
			t.Fatalf("%d bytes left: the second record is at %d", left, all[1].LogOffset)
		}
		want := int64(testSegment)
		if left < record.BlankSize {
			want += int64(testSegment - 4000 - left)
		}
		if next.LogOffset != want {
			t.Errorf("%d bytes left: the third record is at %d, want %d", left, next.LogOffset, want)
		}
		at := all[1].LogOffset + int64(all[1].Size)
		if left < record.BlankSize {
			at = 4000
		}
		blank := logBytes(t, l, at, testSegment)
		if be32(blank) != testSegment-at || record.Magic(blank) != record.MagicBlank {
			t.Errorf("%d bytes left: the blank says %d, magic %08x", left, be32(blank), record.Magic(blank))
		}
		if len(bytes.Trim(blank[8:], "\x00")) > 0 {
			t.Errorf("%d bytes left: something stands behind the blank", left)
		}
	}
}

func TestARecordOfASegmentLessABlankIsTheLargest(t *testing.T) {
	l, _ := openNew(t, nil)
	a := newNumbers(t)
	mustAppend(t, l, a, sized(testSegment-8))
	ds := []record.Draft{sized(testSegment - 7)}
	if err := l.Append(ds, a); err != nil || !errors.Is(ds[0].Err, ErrTooLarge) {
		t.Errorf("append: %v, message: %v", err, ds[0].Err)
	}
	mustAppend(t, l, a, sized(testSegment-8))
	checkNumbers(t, contents(t, l))
}

func TestSetRefuseStopsAppendsUntilItIsLifted(t *testing.T) {
	l, _ := openNew(t, nil)
	a := newNumbers(t)
	full := errors.New("disk used to 91 %")
	l.SetRefuse(full)
	ds := []record.Draft{draft("no"), draft("neither")}
	for _, err := range []error{l.Append(ds, a), ds[0].Err, ds[1].Err, l.Err()} {
		if !errors.Is(err, ErrRefused) || !errors.Is(err, full) {
			t.Errorf("refusal: %v", err)
		}
	}
	l.SetRefuse(nil)
	mustAppend(t, l, a, draft("yes"))
	checkNumbers(t, contents(t, l))
}

func TestAClosedLogRefusesEverything(t *testing.T) {
	l, _ := openNew(t, nil)
	a := newNumbers(t)
	d := mustAppend(t, l, a, draft("x"))[0]
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, view := l.View(d.LogOffset, int(d.Size))
	for name, err := range map[string]error{"append": l.Append([]record.Draft{draft("y")}, a), "raw": l.AppendRaw(l.Max(), []byte("z")),
		"flush": l.Flush(), "truncate": l.Truncate(0), "close": l.Close()} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !errors.Is(view, ErrOutOfRange) {
		t.Errorf("view: %v", view)
	}
}

func TestImpossibleOptionsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no file system":    func(o *Options) { o.FS = nil },
		"no directory":      func(o *Options) { o.Dirs = nil },
		"tiny segments":     func(o *Options) { o.SegmentSize = 7 },
		"negative segments": func(o *Options) { o.SegmentSize = -2 },
		"huge segments":     func(o *Options) { o.SegmentSize = 1 << 31 },
		"negative interval": func(o *Options) { o.FlushInterval = -1 },
	} {
		_, mem := openNew(t, nil)
		o := testOptions(mem)
		change(&o)
		if _, _, err := Open(o, Start{}); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// doorkeeper is an Assigner that may refuse a whole append.
type doorkeeper struct {
	*numbers
	refuse error
}

func (d doorkeeper) Admit() error { return d.refuse }

func TestAnAppendThatIsNotAdmittedLeavesNothingBehind(t *testing.T) {
	l, _ := openNew(t, nil)
	n, late := newNumbers(t), errors.New("too late")
	ds := []record.Draft{draft("x"), draft("y")}
	if err := l.Append(ds, doorkeeper{n, late}); err != late || ds[0].Err != late || ds[1].Err != late || l.Max() != 0 || len(n.next) != 0 {
		t.Errorf("%v; messages %v %v; end of the log %d, numbers %v", err, ds[0].Err, ds[1].Err, l.Max(), n.next)
	}
	ds = []record.Draft{draft("x")}
	if err := l.Append(ds, doorkeeper{n, nil}); err != nil || ds[0].Err != nil || l.Max() == 0 {
		t.Errorf("%v %v", err, ds[0].Err)
	}
}
