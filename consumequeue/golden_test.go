package consumequeue

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// unhex decodes the worked examples of the package comment.
func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestUnitIsEncodedAsTheOtherBrokerDoes(t *testing.T) {
	for _, c := range []struct {
		hex  string
		unit Unit
	}{
		{"00 00 00 00 00 00 0b ca 00 00 02 0d 00 00 00 00 00 36 33 d9", Unit{3018, 525, 3552217}},
		{"00 00 00 00 00 09 cc 7d 00 00 01 87 00 00 01 a2 09 3c 24 2e", Unit{642173, 391, 1795451266094}},
		{"00 00 00 00 00 00 00 00 7f ff ff ff 00 00 00 00 00 00 00 00", filler},
	} {
		if got := DecodeUnit(unhex(t, c.hex)); got != c.unit {
			t.Errorf("%s is %v, expected %v", c.hex, got, c.unit)
		}
		if got := AppendUnit(nil, c.unit); fmt.Sprintf("% x", got) != c.hex {
			t.Errorf("%v is % x, expected %s", c.unit, got, c.hex)
		}
	}
}

func TestBatchUnitIsEncodedAsTheOtherBrokerDoes(t *testing.T) {
	const want = "00 00 00 00 00 09 c5 d2 00 00 06 ab 00 00 00 00 00 00 00 00 00 00 01 a2 09 3c 20 36 " +
		"00 00 00 00 00 00 00 00 00 08 ff ff ff ff 00 00 00 00"
	unit := BatchUnit{LogOffset: 640466, Size: 1707, StoreTime: 1795451265078, Count: 8, CompactOffset: -1}
	if got := DecodeBatchUnit(unhex(t, want)); got != unit {
		t.Errorf("decoded %+v, expected %+v", got, unit)
	}
	if got := AppendBatchUnit(nil, unit); fmt.Sprintf("% x", got) != want {
		t.Errorf("encoded % x, expected %s", got, want)
	}
}

func TestExtUnitIsEncodedAsTheOtherBrokerDoes(t *testing.T) {
	for want, unit := range map[string]ExtUnit{
		"00 14 00 00 00 00 00 36 33 d6 00 00 01 a2 09 69 ce 81 00 00":             {TagCode: 3552214, StoreTime: 1795454258817},
		"00 17 ff ff ff ff ff ff ff ff 00 00 00 00 00 00 00 01 00 03 0a 0b 0c":    {TagCode: -1, StoreTime: 1, Bitmap: []byte{10, 11, 12}},
		"00 16 80 00 00 00 00 00 00 00 7f ff ff ff ff ff ff ff 00 02 00 00":       {TagCode: -1 << 63, StoreTime: 1<<63 - 1, Bitmap: []byte{0, 0}},
		"00 15 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 ff":          {Bitmap: []byte{255}},
		"00 18 00 00 00 00 00 00 00 05 00 00 00 00 00 00 00 06 00 04 01 02 03 04": {TagCode: 5, StoreTime: 6, Bitmap: []byte{1, 2, 3, 4}},
	} {
		got := make([]byte, extHeaderSize+len(unit.Bitmap))
		putExtUnit(got, unit.TagCode, unit.StoreTime, unit.Bitmap)
		if fmt.Sprintf("% x", got) != want {
			t.Errorf("%+v is % x, expected %s", unit, got, want)
		}
		if size := extUnitSize(got); size != len(got) {
			t.Errorf("size of % x is %d, expected %d", got, size, len(got))
		}
	}
}

func TestExtAddresses(t *testing.T) {
	for tagCode, want := range map[int64]bool{
		-1 << 63: true, -1<<63 + 20: true, -1<<31 - 1: true, -1 << 31: false, -1: false, 0: false, 1<<31 - 1: false, 1 << 40: false,
	} {
		if got := IsExtAddress(tagCode); got != want {
			t.Errorf("%d is an address: %v, expected %v", tagCode, got, want)
		}
	}
	if got := extAddress(20); uint64(got) != 0x8000000000000014 {
		t.Errorf("address of 20 is %x", uint64(got))
	}
	if got := extOffset(extAddress(maxExtOffset)); got != maxExtOffset || !IsExtAddress(extAddress(maxExtOffset)) {
		t.Errorf("greatest offset %d comes back as %d", int64(maxExtOffset), got)
	}
}

// goldenStore puts files that a RocketMQ 5.5 broker wrote into the directory of a queue. Testdata has them without the
// zeros at their ends.
func goldenStore(t *testing.T, dir string, fileSize int, files ...string) vfs.FS {
	fs := vfs.NewMem()
	must(t, fs.MkdirAll(dir))
	for i, name := range files {
		b, err := os.ReadFile("testdata/" + name)
		must(t, err)
		whole := make([]byte, fileSize)
		copy(whole, b)
		must(t, vfs.WriteFileAtomic(fs, fmt.Sprintf("%s/%020d", dir, i*fileSize), whole))
	}
	return fs
}

// javaHash is the tag code of a tag.
func javaHash(s string) int64 {
	h := int32(0)
	for _, c := range []byte(s) {
		h = 31*h + int32(c)
	}
	return int64(h)
}

func TestQueuesOfTheOtherBrokerOpen(t *testing.T) {
	isTag := func(code int64) bool { // tag0 … tag4, and those of a few special messages
		for i := range 5 {
			if code == javaHash(fmt.Sprint("tag", i)) {
				return true
			}
		}
		return code == javaHash("big") || code == javaHash("lmq")
	}
	isDeliverTime := func(ms int64) bool { return ms>>20 == 1795451266094>>20 }
	anyCode := func(int64) bool { return true }
	for _, c := range []struct {
		files    []string
		fileSize int
		units    int64
		first    Unit
		last     Unit
		tagCode  func(int64) bool
	}{
		{[]string{"golden-normal-1"}, 6000, 106, Unit{3018, 525, 3552217}, Unit{}, isTag},
		{[]string{"golden-delay-level-1"}, 6000, 5, Unit{642173, 391, 1795451266094}, Unit{643737, 391, 1795451266115}, isDeliverTime},
		{[]string{"feat-normal-0.00000000000000000000", "feat-normal-0.00000000000000002000"}, 2000, 125, Unit{0, 301, extAddress(0)}, Unit{}, IsExtAddress},
		{[]string{"crash-normal-0"}, 6000, 224, Unit{}, Unit{}, anyCode},
	} {
		for _, clean := range []bool{true, false} {
			t.Run(fmt.Sprint(c.files[0], clean), func(t *testing.T) {
				fs := goldenStore(t, "/cq/T/0", c.fileSize, c.files...)
				s := mustOpen(t, Options{FS: fs, FileSize: int64(c.fileSize), Clean: clean, DurableTo: 1 << 30})
				q := s.Open("T", 0)
				wantBounds(t, q, 0, c.units)
				last := int64(-1)
				for i, u := range readAll(t, q) {
					if u.LogOffset <= last || u.Size < 91 || !c.tagCode(u.TagCode) {
						t.Fatalf("unit %d is %v after log offset %d", i, u, last)
					}
					if i == 0 && c.first.Size != 0 && u != c.first || i == int(c.units)-1 && c.last.Size != 0 && u != c.last {
						t.Fatalf("unit %d is %v", i, u)
					}
					last = u.LogOffset
				}
				// It goes on from there.
				must(t, q.Append(c.units, Unit{LogOffset: last + 1000, Size: 100}))
				mustClose(t, s)
				s = mustOpen(t, Options{FS: fs, FileSize: int64(c.fileSize), Clean: true})
				wantBounds(t, s.Open("T", 0), 0, c.units+1)
			})
		}
	}
}

func TestBatchQueueOfTheOtherBrokerOpens(t *testing.T) {
	for _, clean := range []bool{true, false} {
		s, err := OpenBatch(Options{FS: goldenStore(t, "/bcq/T/0", 13_800_000, "golden-batch-0"), Dir: "/bcq", Clean: clean, DurableTo: 1 << 30})
		must(t, err)
		q := s.Open("T", 0)
		wantBounds(t, q, 0, 8)
		units := make([]BatchUnit, 2)
		want := BatchUnit{LogOffset: 640466, Size: 1707, StoreTime: 1795451265078, Count: 8, CompactOffset: -1}
		for from := range int64(8) {
			if n, err := q.Read(units, from); n != 1 || err != nil || units[0] != want {
				t.Fatalf("at %d: %d units, %v, %+v", from, n, err, units[0])
			}
		}
		mustClose(t, s)
	}
}

func TestExtOfTheOtherBrokerIsWhereItsQueuePoints(t *testing.T) {
	fs := goldenStore(t, "/cq/T/0", 2000, "feat-normal-0.00000000000000000000", "feat-normal-0.00000000000000002000")
	s := mustOpen(t, Options{FS: fs, FileSize: 2000, Clean: true})
	x, err := OpenExt(Options{FS: goldenStore(t, "/ext/T/0", 16_384, "feat-normal-0.ext"), Dir: "/ext", FileSize: 16_384})
	must(t, err)
	ext := x.Open("T", 0)
	q := s.Open("T", 0)
	first, last, ok, err := q.ExtRange()
	if first != extAddress(0) || last != extAddress(124*20) || !ok || err != nil {
		t.Fatalf("addresses %d … %d, %v, %v", first, last, ok, err)
	}
	var u ExtUnit
	want := []ExtUnit{{3552214, 1795454258817, nil}, {3552216, 1795454258895, nil}, {3552218, 1795454258919, nil}}
	for i, unit := range readAll(t, q) {
		if ok, err := ext.Get(unit.TagCode, &u); !ok || err != nil || u.StoreTime < 1795454258817 {
			t.Fatalf("unit %d: %v, %v, %+v", i, ok, err, u)
		}
		if i < len(want) && (u.TagCode != want[i].TagCode || u.StoreTime != want[i].StoreTime || len(u.Bitmap) > 0) {
			t.Fatalf("unit %d: %+v, expected %+v", i, u, want[i])
		}
	}
	must(t, ext.Truncate(last)) // there is nothing behind
	if _, next, err := ext.Bounds(); next != extAddress(2500) || err != nil {
		t.Fatalf("next address %d, %v", next, err)
	}
	mustClose(t, x)
	mustClose(t, s)
}
