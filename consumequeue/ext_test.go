package consumequeue

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

func mustOpenExt(t *testing.T, fs vfs.FS, fileSize int64) *ExtStore {
	t.Helper()
	s, err := OpenExt(Options{FS: fs, Dir: "/ext", FileSize: fileSize, MaxOpenFiles: 2})
	must(t, err)
	return s
}

// extBitmap is the bitmap of the i-th unit that these tests put. Its length changes.
func extBitmap(i int) []byte { return bytes.Repeat([]byte{byte(i + 1)}, i*i%40) }

// putExt puts units from … to-1 and appends their addresses.
func putExt(t *testing.T, x *Ext, addresses []int64, from, to int) []int64 {
	t.Helper()
	for i := from; i < to; i++ {
		a, err := x.Put(int64(i), int64(1000+i), extBitmap(i))
		must(t, err)
		if !IsExtAddress(a) {
			t.Fatalf("unit %d has address %d", i, a)
		}
		addresses = append(addresses, a)
	}
	return addresses
}

func wantExt(t *testing.T, x *Ext, addresses []int64) {
	t.Helper()
	var u ExtUnit
	for i, a := range addresses {
		ok, err := x.Get(a, &u)
		if !ok || err != nil || u.TagCode != int64(i) || u.StoreTime != int64(1000+i) || !bytes.Equal(u.Bitmap, extBitmap(i)) {
			t.Fatalf("unit %d at %d: %v, %v, %+v", i, a, ok, err, u)
		}
	}
}

func TestExtUnitsAreFoundByAddress(t *testing.T) {
	for _, fileSize := range []int64{100, 101, 500, 10_000} {
		fs := vfs.NewMem()
		s := mustOpenExt(t, fs, fileSize)
		addresses := putExt(t, s.Open("T", 0), nil, 0, 300)
		wantExt(t, s.Open("T", 0), addresses)
		must(t, s.Flush())
		wantExt(t, s.Open("T", 0), addresses)
		addresses = putExt(t, s.Open("T", 0), addresses, 300, 350)
		mustClose(t, s)
		s = mustOpenExt(t, fs, fileSize)
		wantExt(t, s.Open("T", 0), addresses)
		addresses = putExt(t, s.Open("T", 0), addresses, 350, 400)
		wantExt(t, s.Open("T", 0), addresses)
		var u ExtUnit
		for _, a := range []int64{addresses[399] + 1000, -1 << 63, 0, 5, -1, -1<<31 - 1} {
			if ok, err := s.Open("T", 0).Get(a, &u); ok != (a == addresses[0]) || err != nil {
				t.Fatalf("address %d: %v, %v", a, ok, err)
			}
		}
		mustClose(t, s)
	}
}

func TestExtUnitThatIsTooLargeIsRefused(t *testing.T) {
	s := mustOpenExt(t, vfs.NewMem(), 100)
	defer mustClose(t, s)
	_, err := s.Open("T", 0).Put(1, 2, make([]byte, 77))
	wantErr(t, err, ErrTooLarge)
	_, err = s.Open("T", 0).Put(1, 2, make([]byte, 76))
	must(t, err)

	large := mustOpenExt(t, vfs.NewMem(), 1<<20)
	defer mustClose(t, large)
	_, err = large.Open("T", 0).Put(1, 2, make([]byte, maxExtUnitSize-extHeaderSize+1))
	wantErr(t, err, ErrTooLarge)
	var u ExtUnit
	for range 100 {
		a, err := large.Open("T", 0).Put(1, 2, make([]byte, maxExtUnitSize-extHeaderSize))
		must(t, err)
		if ok, err := large.Open("T", 0).Get(a, &u); !ok || err != nil || len(u.Bitmap) != maxExtUnitSize-extHeaderSize {
			t.Fatal(ok, err, len(u.Bitmap))
		}
	}
}

func TestExtIsCutBehindTheLastAddressOfItsQueue(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpenExt(t, fs, 500)
	addresses := putExt(t, s.Open("T", 0), nil, 0, 100)
	must(t, s.Flush())
	for _, left := range []int{90, 89, 40, 1} {
		must(t, s.Open("T", 0).Truncate(addresses[left-1]))
		addresses = addresses[:left]
		fs = fs.Crash(rand.New(rand.NewPCG(uint64(left), 0)))
		s = mustOpenExt(t, fs, 500)
		wantExt(t, s.Open("T", 0), addresses)
		addresses = putExt(t, s.Open("T", 0), addresses, left, left+5)
		must(t, s.Flush())
		wantExt(t, s.Open("T", 0), addresses)
	}
	wantErr(t, s.Open("T", 0).Truncate(addresses[5]+1000), ErrDamaged)
	must(t, s.Open("T", 0).Truncate(5)) // no unit has an address
	wantExt(t, s.Open("T", 0), putExt(t, s.Open("T", 0), nil, 0, 50))
	mustClose(t, s)
}

func TestExtFilesBeforeTheFirstAddressAreRemoved(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpenExt(t, fs, 200)
	x := s.Open("T", 0)
	addresses := putExt(t, x, nil, 0, 100)
	must(t, s.Flush())
	before := len(fileNames(t, fs, "/ext/T/0"))
	must(t, x.SetMin(addresses[60]))
	must(t, x.SetMin(5)) // not an address
	after := len(fileNames(t, fs, "/ext/T/0"))
	if first, _, err := x.Bounds(); err != nil || before-after < 2 || extOffset(first) > extOffset(addresses[60]) || extOffset(first)+200 <= extOffset(addresses[60]) {
		t.Fatalf("%d files, then %d, first address %d, %v", before, after, first, err)
	}
	var u ExtUnit
	if ok, err := x.Get(addresses[0], &u); ok || err != nil {
		t.Fatalf("the first unit: %v, %v, expected none", ok, err)
	}
	must(t, x.SetMin(extAddress(1<<40)))
	if names := fileNames(t, fs, "/ext/T/0"); len(names) != 1 {
		t.Fatalf("files %v, expected the last one", names)
	}
	mustClose(t, s)
	s = mustOpenExt(t, fs, 200)
	if ok, err := s.Open("T", 0).Get(addresses[99], &u); !ok || err != nil || u.TagCode != 99 {
		t.Fatalf("the last unit: %v, %v, %+v", ok, err, u)
	}
	must(t, s.DeleteTopic("T"))
	if _, err := fs.ReadDir("/ext/T"); err == nil {
		t.Fatal("the topic is still there")
	}
	mustClose(t, s)
}

// TestExtSurvivesPowerLoss: what was flushed is found, and puts that follow a crash don't meet what was left behind.
func TestExtSurvivesPowerLoss(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds(t)) {
		rng := rand.New(rand.NewPCG(seed, 0))
		fs := vfs.NewMem()
		fileSize := int64(100 + rng.IntN(2000))
		var addresses []int64
		for range 4 {
			fs.SetWriteBack(rng, 0.2)
			s := mustOpenExt(t, fs, fileSize)
			x := s.Open("T", 0)
			last := int64(0)
			if len(addresses) > 0 {
				last = addresses[len(addresses)-1]
			}
			if err := x.Truncate(last); err != nil {
				t.Fatalf("seed %d: truncate after %d: %v", seed, last, err)
			}
			wantExt(t, x, addresses)
			durable := addresses
			for range rng.IntN(10) {
				addresses = putExt(t, x, addresses, len(addresses), len(addresses)+rng.IntN(30))
				if rng.IntN(2) == 0 {
					must(t, s.Flush())
					durable = addresses
				}
			}
			wantExt(t, x, addresses)
			addresses = durable
			fs = fs.Crash(rng)
		}
	}
}

func TestExtGetDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates, and makes pools forget")
	}
	s := mustOpenExt(t, vfs.NewMem(), 0)
	defer mustClose(t, s)
	x := s.Open("T", 0)
	bitmap := make([]byte, 14)
	a, err := x.Put(1, 2, bitmap)
	must(t, err)
	u := ExtUnit{Bitmap: make([]byte, 0, 14)}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := x.Put(1, 2, bitmap); err != nil {
			t.Fatal(err)
		}
		if ok, err := x.Get(a, &u); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzExtFile gives an ext file of arbitrary content to whoever reads it.
func FuzzExtFile(f *testing.F) {
	unit := make([]byte, 25)
	putExtUnit(unit, 1, 2, []byte{1, 2, 3, 4, 5})
	f.Add(append(unit, unit...), int64(25))
	f.Add([]byte{0xFF, 0xFF}, int64(0))
	f.Add([]byte{0x7F, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 0xEB}, int64(3))
	f.Fuzz(func(t *testing.T, content []byte, at int64) {
		fs := vfs.NewMem()
		must(t, fs.MkdirAll("/ext/T/0"))
		file := make([]byte, 400)
		copy(file, content)
		must(t, vfs.WriteFileAtomic(fs, "/ext/T/0/00000000000000000000", file))
		s := mustOpenExt(t, fs, 400)
		x := s.Open("T", 0)
		var u ExtUnit
		_, err := x.Get(extAddress(at&0x1FF), &u)
		must(t, err)
		_, err = x.Get(at, &u)
		must(t, err)
		a, err := x.Put(7, 8, []byte{9})
		must(t, err)
		if ok, err := x.Get(a, &u); !ok || err != nil || u.TagCode != 7 {
			t.Fatal(ok, err, u)
		}
		must(t, x.Truncate(a))
		must(t, s.Close())
		s = mustOpenExt(t, fs, 400)
		if ok, err := s.Open("T", 0).Get(a, &u); !ok || err != nil || u.StoreTime != 8 {
			t.Fatal(ok, err, u)
		}
	})
}
