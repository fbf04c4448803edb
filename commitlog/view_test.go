package commitlog

import (
	"bytes"
	"errors"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func TestAViewIsTheRecord(t *testing.T) {
	l, _ := openNew(t, nil)
	ds := mustAppend(t, l, newNumbers(t), sized(5000), draft("here"), sized(5000))
	v, err := l.View(ds[1].LogOffset, int(ds[1].Size))
	if err != nil {
		t.Fatal(err)
	}
	defer v.Release()
	if b := v.Bytes(); len(b) != int(ds[1].Size) || !bytes.Contains(b, []byte("here")) || cap(b) != len(b) {
		t.Errorf("%d bytes (room for %d): %q", len(b), cap(b), b)
	}
	loaded := make([]byte, ds[1].Size)
	if err := l.Load(loaded, ds[1].LogOffset); err != nil || !bytes.Equal(loaded, v.Bytes()) {
		t.Errorf("load: %v", err)
	}
}

func TestNothingOutsideOfTheLogCanBeRead(t *testing.T) {
	l, _ := filled(t, 3)
	if _, err := l.Retire(testSegment); err != nil {
		t.Fatal(err)
	}
	lo, hi := l.Min(), l.Max()
	for _, r := range []struct {
		off int64
		n   int
	}{{-1, 1}, {0, 10}, {lo - 1, 2}, {hi, 1}, {hi - 1, 2}, {lo + testSegment - 1, 2}, {lo, -1}, {lo, 3 * testSegment}, {1 << 62, 1 << 30}} {
		if _, err := l.View(r.off, r.n); !errors.Is(err, ErrOutOfRange) {
			t.Errorf("view of %d bytes at %d of [%d,%d): %v", r.n, r.off, lo, hi, err)
		}
		if r.n >= 0 {
			if err := l.Load(make([]byte, min(r.n, 1<<20)), r.off); !errors.Is(err, ErrOutOfRange) {
				t.Errorf("load of %d bytes at %d of [%d,%d): %v", r.n, r.off, lo, hi, err)
			}
		}
	}
}

func TestViewUpToEndsWithSegmentLimitAndLog(t *testing.T) {
	l, _ := filled(t, 3)
	hi := l.Max()
	for _, c := range []struct {
		off, limit int64
		n          int
		want       int
	}{
		{0, hi, 100, 100}, {0, 50, 100, 50}, {testSegment - 10, hi, 100, 10}, {testSegment, hi, 100, 100},
		{hi - 10, hi + 99, 100, 10}, {hi, hi, 100, 0}, {hi + 5, hi + 9, 100, 0}, {50, 50, 100, 0}, {0, hi, 0, 0}, {0, hi, -1, 0},
	} {
		v, err := l.ViewUpTo(c.off, c.limit, c.n)
		if err != nil || len(v.Bytes()) != c.want {
			t.Errorf("%d bytes from %d to %d: %d, want %d (%v)", c.n, c.off, c.limit, len(v.Bytes()), c.want, err)
		}
		v.Release()
	}
	if _, err := l.ViewUpTo(-1, hi, 10); !errors.Is(err, ErrOutOfRange) {
		t.Errorf("before the start: %v", err)
	}
}

// TestAViewOutlivesItsSegment: whoever holds a view keeps the bytes, whatever becomes of the file.
func TestAViewOutlivesItsSegment(t *testing.T) {
	for name, lose := range map[string]func(*Log) error{
		"retention": func(l *Log) error { _, err := l.Retire(testSegment); return err },
		"truncate":  func(l *Log) error { return l.Truncate(0) },
		"close":     func(l *Log) error { return l.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := filled(t, 3)
			at := int64(0)
			if name == "truncate" {
				at = testSegment // the segment that holds the end stays, and is cleared
			}
			size := be32(logBytes(t, l, at, at+4))
			v, err := l.View(at, int(size))
			if err != nil {
				t.Fatal(err)
			}
			want := bytes.Clone(v.Bytes())
			seg := l.set.All()[at/testSegment]
			if err := lose(l); err != nil {
				t.Fatal(err)
			}
			if _, err := l.View(at, int(size)); !errors.Is(err, ErrOutOfRange) {
				t.Errorf("a new view: %v", err)
			}
			if !bytes.Equal(v.Bytes(), want) {
				t.Error("the bytes changed")
			}
			v.Release()
			if seg.Acquire() {
				t.Error("the segment is still there after the last release")
			}
		})
	}
}

func TestLoadReadsFromTheDeviceWhatIsNotInMemory(t *testing.T) {
	l := openFaulty(t, nil)
	d := mustAppend(t, l.Log, newNumbers(t), draft("cold"))[0]
	reads := 0
	l.faults.match = func(op vfs.Op) error {
		switch op.Kind {
		case vfs.OpReadResident:
			return vfs.ErrNotResident
		case vfs.OpRead:
			reads++
		}
		return nil
	}
	rec, err := l.Record(d.LogOffset, nil)
	if err != nil || !bytes.Contains(rec, []byte("cold")) || reads != 2 {
		t.Errorf("%q, %v, %d reads", rec, err, reads)
	}
	l.faults.match = func(op vfs.Op) error {
		if op.Kind == vfs.OpReadResident || op.Kind == vfs.OpRead {
			return vfs.ErrIO
		}
		return nil
	}
	if _, err := l.Record(d.LogOffset, nil); !errors.Is(err, vfs.ErrIO) {
		t.Errorf("a page that can't be read: %v", err)
	}
}

func TestRecordNamesTheDamageItMeets(t *testing.T) {
	for name, c := range map[string]struct {
		at     int64
		change func(byte) byte
		want   error
	}{
		"body":          {90, flip, record.ErrDamaged},
		"log offset":    {30, flip, record.ErrDamaged},
		"body length":   {87, flip, record.ErrDamaged},
		"size":          {3, flip, record.ErrDamaged},
		"magic":         {5, flip, ErrNotBorder},
		"size too high": {0, flip, ErrNotBorder},
	} {
		t.Run(name, func(t *testing.T) {
			l, mem := openNew(t, nil)
			d := mustAppend(t, l, newNumbers(t), sized(400), sized(500), sized(900))[1]
			corrupt(t, mem, l.SegmentPath(0), d.LogOffset+c.at, c.change)
			_, err := l.Record(d.LogOffset, nil)
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			for _, part := range []string{l.SegmentPath(0), "400"} {
				if !bytes.Contains([]byte(err.Error()), []byte(part)) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
	l, mem := openNew(t, nil)
	d := mustAppend(t, l, newNumbers(t), sized(400))[0]
	corrupt(t, mem, l.SegmentPath(0), int64(d.Size)-5, func(b byte) byte { return '0' + ('9' - b) })
	if _, err := l.Record(0, nil); err != nil {
		t.Errorf("a stale CRC property alone: %v", err)
	}
}
