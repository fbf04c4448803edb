package index

import (
	"errors"
	"strings"
	"testing"
)

// filled is an index of three files with records 0, 10, …, 390 under hash 1 and one of their own.
func filled(t testing.TB, o Options) (*Index, State) {
	t.Helper()
	x := mustOpen(t, o, State{}, true)
	for i := range int64(20) {
		put(t, x, 10*i, 1_000_000+1000*i, 1, int32(100+i))
	}
	x.SetEnd(200)
	return x, flush(t, x)
}

func TestACleanStopIsResumedWhereItEnded(t *testing.T) {
	o := small()
	x, saved := filled(t, o)
	mustClose(t, x)
	x = mustOpen(t, o, saved, true)
	defer mustClose(t, x)
	if got := x.State(); got != saved {
		t.Errorf("State %+v, expected %+v", got, saved)
	}
	put(t, x, 190, 1_000_000, 1) // known
	put(t, x, 200, 1_020_000, 1)
	expect(t, query(t, x, 1, 1_018_000, always, 10), 200, 190, 180)
}

func TestAnUncleanStopIsCutBackToTheSavedState(t *testing.T) {
	for _, clean := range []bool{false, true} { // clean: somebody else has written and stopped in order
		o := small()
		x, saved := filled(t, o)
		for i := int64(20); i < 40; i++ {
			put(t, x, 10*i, 1_000_000+1000*i, 1, int32(100+i))
		}
		mustClose(t, x)
		x = mustOpen(t, o, saved, clean)
		if got := x.State(); got != saved {
			t.Errorf("State %+v, expected %+v", got, saved)
		}
		expect(t, query(t, x, 1, 1_018_000, always, 10), 190, 180)
		expect(t, query(t, x, 125, 0, always, 10))
		if err := x.Verify(); err != nil {
			t.Error(err)
		}
		for i := range int64(40) {
			put(t, x, 10*i, 1_000_000+1000*i, 1, int32(100+i))
		}
		if got := query(t, x, 1, 0, always, 100); len(got) != 40 {
			t.Errorf("%d of 40 after the replay", len(got))
		}
		mustClose(t, x)
	}
}

func TestALostFileSaysFromWhereToReplay(t *testing.T) {
	for name, c := range map[string]struct {
		lost int // file
		from int64
	}{"last": {2, 140}, "middle": {1, 70}, "first": {0, 0}} {
		t.Run(name, func(t *testing.T) {
			o := small()
			x, saved := filled(t, o)
			mustClose(t, x)
			for i, f := range fileNames(t, o) {
				if i >= c.lost {
					if err := o.FS.Remove(o.Dir + "/" + f); err != nil {
						t.Fatal(err)
					}
				}
			}
			x = mustOpen(t, o, saved, false)
			defer mustClose(t, x)
			if got := x.State().LogOffset; got != c.from {
				t.Errorf("replay from %d, expected %d", got, c.from)
			}
			for i := c.from; i < 200; i += 10 {
				put(t, x, i, 1_000_000+100*i, 1, int32(100+i/10))
			}
			for i := range int64(20) {
				expect(t, query(t, x, int32(100+i), 0, always, 10), 10*i)
			}
			if s := x.Stats(); s.Entries != 40 {
				t.Errorf("%d entries, expected 40", s.Entries)
			}
		})
	}
}

func TestADamagedHeaderTakesTheLaterFilesAlong(t *testing.T) {
	o := small()
	x, saved := filled(t, o)
	mustClose(t, x)
	names := fileNames(t, o)
	raw := readFile(t, o.FS, o.Dir+"/"+names[1])
	raw[36] = 0x7f
	writeFile(t, o.FS, o.Dir+"/"+names[1], raw)
	x = mustOpen(t, o, saved, true)
	defer mustClose(t, x)
	if s := x.State(); s.File != names[0] || s.LogOffset != 70 {
		t.Errorf("State %+v", s)
	}
}

func TestFilesOfAnotherSizeAreRefusedAndKept(t *testing.T) {
	o := small()
	x, saved := filled(t, o)
	mustClose(t, x)
	other := o
	other.Entries = 20
	for _, state := range []State{saved, {}} {
		for _, clean := range []bool{true, false} {
			_, err := Open(other, state, clean)
			if !errors.Is(err, ErrFileSize) || !strings.Contains(err.Error(), "388 bytes, expected 468") {
				t.Errorf("got %v", err)
			}
		}
	}
	if n := len(fileNames(t, o)); n != 3 {
		t.Errorf("%d files are left of 3", n)
	}
}

func TestWhatIsNotAnIndexFileIsLeftAlone(t *testing.T) {
	o := small()
	x, saved := filled(t, o)
	mustClose(t, x)
	writeFile(t, o.FS, o.Dir+"/notes.txt", []byte("mine"))
	if err := o.FS.MkdirAll(o.Dir + "/29991231235959999"); err != nil {
		t.Fatal(err)
	}
	x = mustOpen(t, o, saved, false)
	defer mustClose(t, x)
	if got := x.State(); got != saved {
		t.Errorf("State %+v", got)
	}
	if n := len(fileNames(t, o)); n != 5 {
		t.Errorf("%d names are left of 5", n)
	}
}

func TestAnInterruptedCreationIsRemoved(t *testing.T) {
	o := small()
	x, saved := filled(t, o)
	mustClose(t, x)
	writeFile(t, o.FS, o.Dir+"/99991231235959999", nil)
	x = mustOpen(t, o, saved, true)
	defer mustClose(t, x)
	if got := x.State(); got != saved {
		t.Errorf("State %+v", got)
	}
}

func TestAnEmptyIndexKeepsItsLogOffset(t *testing.T) {
	o := small()
	x := mustOpen(t, o, State{}, true)
	x.SetEnd(500)
	saved := flush(t, x)
	mustClose(t, x)
	if saved != (State{LogOffset: 500}) {
		t.Errorf("State %+v", saved)
	}
	x = mustOpen(t, o, saved, false)
	defer mustClose(t, x)
	if got := x.State(); got != saved {
		t.Errorf("State %+v", got)
	}
}
