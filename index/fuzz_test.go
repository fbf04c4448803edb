package index

import (
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// FuzzOpen takes any bytes for an index file: whatever they are, nothing panics, every query ends, and new records
// are found.
func FuzzOpen(f *testing.F) {
	o := small()
	x := mustOpen(f, o, State{}, true)
	for i := range int64(12) {
		put(f, x, 10*i, 1_000_000, int32(i%5))
	}
	mustClose(f, x)
	f.Add(readFile(f, o.FS, o.Dir+"/"+fileNames(f, o)[0]), true, int32(9))
	f.Add([]byte{}, true, int32(0))
	f.Add(javaBytes(f, javaFiles[0]), false, int32(399))
	f.Fuzz(func(t *testing.T, content []byte, clean bool, count int32) {
		const name = "20260101000000000"
		o := Options{FS: vfs.NewMem(), Dir: "index", Slots: 7, Entries: 16, MaxPending: 4}
		l, err := newLayout(o.Slots, o.Entries)
		if err != nil {
			t.Fatal(err)
		}
		if len(content) > 400 && len(content)%2 == 0 {
			o.Slots, o.Entries = javaSlots, javaEntries
			l.slots, l.entries = javaSlots, javaEntries
		}
		sized := make([]byte, l.size())
		copy(sized, content)
		if err := o.FS.MkdirAll(o.Dir); err != nil {
			t.Fatal(err)
		}
		for _, saved := range []State{{}, {File: name, Count: max(count, 0), LogOffset: 1000}} {
			writeFile(t, o.FS, o.Dir+"/"+name, sized)
			x := mustOpen(t, o, saved, clean)
			for h := range int32(20) {
				query(t, x, h, 0, always, 1000)
			}
			_ = x.Verify()
			if x.indexed < 1<<62 { // else there is no room for more
				at := x.indexed
				for i := range int64(20) {
					put(t, x, at+i, 1_000_000, 3)
				}
				expect(t, query(t, x, 3, 0, always, 3), at+19, at+18, at+17)
				flush(t, x)
				if err := x.Truncate(at + 18); err != nil {
					t.Fatal(err)
				}
				query(t, x, 3, 0, always, 1000) // what the file claimed to be at lower offsets may be gone, too
				put(t, x, at+20, 1_000_000, 3)
				expect(t, query(t, x, 3, 0, always, 1), at+20)
				if err := x.SetMinLog(at + 10); err != nil {
					t.Fatal(err)
				}
			}
			mustClose(t, x)
			for _, n := range fileNames(t, o) {
				if err := o.FS.Remove(o.Dir + "/" + n); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
