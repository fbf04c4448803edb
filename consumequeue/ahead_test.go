package consumequeue

import (
	"fmt"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestAQueueThatIsReadFromFrontToBackIsReadAhead(t *testing.T) {
	reads := 0
	fs := vfs.Fault(vfs.NewMem(), func(op vfs.Op) error {
		if op.Kind == vfs.OpRead {
			reads++
		}
		return nil
	})
	s := mustOpen(t, Options{FS: fs, FileSize: 10_000})
	const queues, units, atOnce = 8, 2000, 20
	for id := range int32(queues) {
		appendUnits(t, s.Open("T", id), 0, units)
	}
	must(t, s.Flush())
	reads = 0
	dst := make([]Unit, atOnce)
	for from := int64(0); from < units; from += atOnce {
		for id := range int32(queues) {
			if n, err := s.Open("T", id).Read(dst, from); n != atOnce || err != nil || dst[7] != unitAt(from+7) {
				t.Fatalf("queue %d at %d: %d units, %v, %v", id, from, n, dst[7], err)
			}
		}
	}
	// A file has 500 units: one read for the first 20, three for the rest.
	if most := queues * (units / 500) * 4; reads > most {
		t.Fatalf("%d reads, expected %d at most", reads, most)
	}
}

func TestWhatWasReadAheadIsForgottenWithATruncation(t *testing.T) {
	s := mustOpen(t, Options{FS: vfs.NewMem()})
	q := s.Open("T", 0)
	dst := make([]Unit, 10)
	read := func(from int64) []Unit {
		t.Helper()
		n, err := q.Read(dst, from)
		if err != nil {
			t.Fatal(err)
		}
		return dst[:n]
	}
	appendUnits(t, q, 0, 200)
	must(t, s.Flush())
	read(0)
	read(10) // and up to 200
	must(t, s.Truncate(25*100))
	if got := read(20); len(got) != 5 {
		t.Fatalf("%d units behind the cut, expected 5", len(got))
	}
	other := Unit{LogOffset: 9000, Size: 50, TagCode: 3}
	must(t, q.Append(25, other))
	must(t, s.Flush())
	if got := read(20); fmt.Sprint(got) != fmt.Sprint([]Unit{unitAt(20), unitAt(21), unitAt(22), unitAt(23), unitAt(24), other}) {
		t.Fatalf("units are %v", got)
	}
}

func TestQueuesThatShareABlockReadTheirOwnUnits(t *testing.T) {
	s := mustOpen(t, Options{FS: vfs.NewMem()})
	one, two := s.Open("T", 0), s.Open("T", 1)
	(*stream)(two).number = (*stream)(one).number
	appendUnits(t, one, 0, 300)
	for i := range int64(300) {
		must(t, two.Append(i, Unit{LogOffset: 1_000_000 + 100*i, Size: 7}))
	}
	must(t, s.Flush())
	var us [10]Unit
	for from := int64(0); from < 300; from += 10 {
		for range 2 { // one of them once more
			if n, err := one.Read(us[:], from); n != 10 || err != nil || us[9] != unitAt(from+9) {
				t.Fatalf("at %d: %d units, %v, %v", from, n, us[9], err)
			}
		}
		if n, err := two.Read(us[:], from); n != 10 || err != nil || us[9].LogOffset != 1_000_000+100*(from+9) {
			t.Fatalf("at %d: %d units, %v, %v", from, n, us[9], err)
		}
	}
}
