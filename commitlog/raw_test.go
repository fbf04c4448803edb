package commitlog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// filled is a log of a few segments with records of many sizes.
func filled(t testing.TB, segments int) (*Log, *vfs.Mem) {
	l, mem := openNew(t, nil)
	a := newNumbers(t)
	for i := 0; l.Max() < int64(segments)*testSegment-1000; i++ {
		mustAppend(t, l, a, draftTo("T", int32(i%3), fmt.Sprintf("%0*d", 1+i*37%1500, i)))
	}
	return l, mem
}

func TestAReplicaThatIsFedPiecesHoldsTheSameBytes(t *testing.T) {
	master, masterFiles := filled(t, 4)
	whole := logBytes(t, master, 0, master.Max())
	want := bodies(t, master)
	rapid.Check(t, func(r *rapid.T) {
		mem := vfs.NewMem()
		l, _, err := Open(testOptions(mem), Start{From: -1})
		if err != nil {
			r.Fatal(err)
		}
		defer l.Close()
		start := testSegment * rapid.IntRange(0, 2).Draw(r, "segment")
		for at := start; at < len(whole); {
			n := rapid.IntRange(1, len(whole)-at).Draw(r, "piece")
			if rapid.Bool().Draw(r, "small") {
				n = min(n, 100)
			}
			if err := l.AppendRaw(int64(at), whole[at:at+n]); err != nil {
				r.Fatal(err)
			}
			at += n
		}
		if l.Min() != int64(start) || l.Max() != int64(len(whole)) {
			r.Fatalf("the replica holds [%d,%d)", l.Min(), l.Max())
		}
		if err := l.Close(); err != nil {
			r.Fatal(err)
		}
		for base := start; base < len(whole); base += testSegment {
			name := testDir + "/" + mapped.Name(int64(base))
			a, errA := vfs.ReadFile(masterFiles, name)
			b, errB := vfs.ReadFile(mem, name)
			if errA != nil || errB != nil || !bytes.Equal(a, b) {
				r.Fatalf("segment %d differs (%v, %v)", base, errA, errB)
			}
		}
		again, rec, err := Open(testOptions(mem), Start{From: -1})
		if err != nil || rec.End != int64(len(whole)) {
			r.Fatalf("recovery: end %d, %v", rec.End, err)
		}
		defer again.Close()
		if got := bodies(t, again); len(got) == 0 || !slices.Equal(got, want[len(want)-len(got):]) {
			r.Fatalf("the replica holds %d messages", len(got))
		}
	})
}

func TestAReplicaThatDiesInTheMiddleOfARecordGoesOnAtItsBorder(t *testing.T) {
	master, _ := filled(t, 2)
	whole := logBytes(t, master, 0, master.Max())
	all := contents(t, master)
	for cut := 1; cut < len(whole); cut += 97 {
		l, mem := openNew(t, nil)
		if err := l.AppendRaw(0, whole[:cut]); err != nil {
			t.Fatal(err)
		}
		again, rec := reopen(t, mem.Kill())
		border := int64(0)
		for _, r := range all {
			if end := r.LogOffset + int64(r.Size); end <= int64(cut) {
				border = end
			}
		}
		if blank := border + record.BlankSize; int64(cut) >= blank && record.Magic(whole[border:]) == record.MagicBlank {
			border = testSegment
		}
		if rec.End != border {
			t.Fatalf("cut at %d: the log ends at %d, want %d", cut, rec.End, border)
		}
		if err := again.AppendRaw(border, whole[border:]); err != nil {
			t.Fatal(err)
		}
		if got := logBytes(t, again, 0, again.Max()); !bytes.Equal(got, whole) {
			t.Fatalf("cut at %d: other bytes than the master's", cut)
		}
	}
}

func TestRawAppendsMustContinueTheLog(t *testing.T) {
	l, _ := openNew(t, nil)
	for _, at := range []int64{-testSegment, -1, 1, testSegment + 1} {
		if err := l.AppendRaw(at, []byte("x")); !errors.Is(err, ErrOutOfRange) {
			t.Errorf("into an empty log at %d: %v", at, err)
		}
	}
	if err := l.AppendRaw(5*testSegment, nil); err != nil || l.Max() != 0 {
		t.Errorf("nothing at all: %v, the log ends at %d", err, l.Max())
	}
	if err := l.AppendRaw(3*testSegment, []byte("xyz")); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{0, 3 * testSegment, 3*testSegment + 2, 3*testSegment + 4, 4 * testSegment} {
		if err := l.AppendRaw(at, []byte("x")); !errors.Is(err, ErrOutOfRange) {
			t.Errorf("at %d: %v", at, err)
		}
	}
}

func TestAMessageIsRefusedWhereAReplicaStoppedInARecord(t *testing.T) {
	master, _ := filled(t, 2)
	l, _ := openNew(t, nil)
	if err := l.AppendRaw(0, logBytes(t, master, 0, testSegment-3)); err != nil {
		t.Fatal(err)
	}
	if err := l.Append([]record.Draft{draft("x")}, newNumbers(t)); !errors.Is(err, ErrNotBorder) {
		t.Errorf("append: %v", err)
	}
}

func TestALogThatBeginsLaterWorksLikeAnyOther(t *testing.T) {
	master, _ := filled(t, 3)
	first := int64(2 * testSegment)
	l, mem := openNew(t, nil)
	if err := l.AppendRaw(first, logBytes(t, master, first, master.Max())); err != nil {
		t.Fatal(err)
	}
	again, rec := reopen(t, mem.Kill())
	if again.Min() != first || rec.End != master.Max() {
		t.Fatalf("the log holds [%d,%d)", again.Min(), rec.End)
	}
	a := newNumbers(t)
	for range 30 {
		mustAppend(t, again, a, sized(900))
	}
	if _, err := again.Record(first-1, nil); !errors.Is(err, ErrOutOfRange) {
		t.Errorf("before the start: %v", err)
	}
	contents(t, again)
}
