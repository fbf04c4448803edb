package index

import "testing"

func TestTruncateDropsWhatTheLogDropped(t *testing.T) {
	for _, to := range []int64{0, 5, 10, 65, 70, 71, 75, 140, 150, 155, 199, 200, 1000} {
		for _, reopen := range []bool{false, true} {
			o := small()
			x, _ := filled(t, o)
			put(t, x, 200, 1_020_000, 1, 120) // pending
			if err := x.Truncate(to); err != nil {
				t.Fatal(err)
			}
			saved := x.State()
			if reopen {
				mustClose(t, x)
				x = mustOpen(t, o, saved, false)
			}
			if saved.LogOffset != min(to, 200) || x.State() != saved {
				t.Errorf("to %d: State %+v, then %+v", to, saved, x.State())
			}
			check := func(end int64) {
				t.Helper()
				for i := range int64(21) {
					got := query(t, x, int32(100+i), 0, always, 10)
					if 10*i < end {
						expect(t, got, 10*i)
					} else {
						expect(t, got)
					}
				}
			}
			check(to)
			for i := range int64(21) {
				put(t, x, 10*i, 1_000_000+1000*i, 1, int32(100+i))
			}
			check(always)
			flush(t, x)
			check(always)
			if s := x.Stats(); s.Entries != 42 {
				t.Errorf("to %d: %d entries, expected 42", to, s.Entries)
			}
			if err := x.Verify(); err != nil {
				t.Errorf("to %d: %v", to, err)
			}
			mustClose(t, x)
		}
	}
}

func TestACrashBeforeTheStateOfATruncationIsKeptStartsFromTheLastRecord(t *testing.T) {
	o := small()
	x, saved := filled(t, o)
	if err := x.Truncate(165); err != nil {
		t.Fatal(err)
	}
	mustClose(t, x)
	x = mustOpen(t, o, saved, false)
	defer mustClose(t, x)
	if got := x.State(); got.LogOffset != 160 {
		t.Errorf("State %+v", got)
	}
	for i := int64(16); i < 20; i++ {
		put(t, x, 10*i, 1_000_000+1000*i, 1, int32(100+i))
	}
	expect(t, query(t, x, 1, 1_014_000, always, 10), 190, 180, 170, 160, 150, 140)
}

func TestRetentionRemovesFilesThatEndBelowTheLog(t *testing.T) {
	o := small()
	x, saved := filled(t, o)
	for _, c := range []struct {
		minLog int64
		files  int
	}{{0, 3}, {70, 3}, {71, 2}, {140, 2}, {141, 1}, {10_000, 1}} {
		if err := x.SetMinLog(c.minLog); err != nil {
			t.Fatal(err)
		}
		if n := len(fileNames(t, o)); n != c.files || x.Stats().Files != c.files {
			t.Errorf("log from %d: %d files, expected %d", c.minLog, n, c.files)
		}
	}
	expect(t, query(t, x, 101, 0, always, 10))
	expect(t, query(t, x, 119, 0, always, 10), 190)
	mustClose(t, x)
	x = mustOpen(t, o, saved, false)
	defer mustClose(t, x)
	if got := x.State(); got != saved {
		t.Errorf("State %+v, expected %+v", got, saved)
	}
}

func TestRetentionKeepsTheFileThatTheStateNames(t *testing.T) {
	o := small()
	x := mustOpen(t, o, State{}, true)
	defer mustClose(t, x)
	put(t, x, 0, 1000, 1)
	saved := flush(t, x)
	put(t, x, 10, 1000, make([]int32, 30)...)
	if err := x.SetMinLog(10_000); err != nil {
		t.Fatal(err)
	}
	if names := fileNames(t, o); names[0] != saved.File {
		t.Errorf("%s was removed", saved.File)
	}
}
