package index

import (
	"slices"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
	"pgregory.net/rapid"
)

// TestIndexAnswersAsAListWould compares an index with a list of all records under random operations.
func TestIndexAnswersAsAListWould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type record struct {
			logOffset, storeTime int64
			hashes               []int32
		}
		o := Options{
			FS: vfs.NewMem(), Dir: "index",
			Slots:      rapid.IntRange(1, 50).Draw(t, "slots"),
			Entries:    rapid.IntRange(2, 60).Draw(t, "entries"),
			MaxPending: rapid.IntRange(1, 40).Draw(t, "maxPending"),
		}
		x, err := Open(o, State{}, true)
		if err != nil {
			t.Fatal(err)
		}
		var all []record
		next, now := int64(0), int64(1_000_000)
		check := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				r := record{next, now, rapid.SliceOfN(rapid.Int32Range(0, 30), 0, 6).Draw(t, "hashes")}
				check(x.PutRecord(r.logOffset, r.storeTime, r.hashes))
				all = append(all, r)
				next += rapid.Int64Range(1, 100).Draw(t, "size")
				now += 1000 * rapid.Int64Range(0, 5).Draw(t, "seconds") // whole ones, as the index has them
			},
			"replay": func(t *rapid.T) {
				if len(all) > 0 {
					r := rapid.SampledFrom(all).Draw(t, "record")
					check(x.PutRecord(r.logOffset, r.storeTime, r.hashes))
				}
			},
			"flush": func(*rapid.T) {
				x.SetEnd(next)
				s, err := x.Flush()
				check(err)
				if s.LogOffset != next {
					t.Fatalf("State %+v, the log ends at %d", s, next)
				}
			},
			"reopen": func(t *rapid.T) {
				x.SetEnd(next)
				check(x.Close())
				s := x.State()
				x, err = Open(o, s, rapid.Bool().Draw(t, "clean"))
				check(err)
				if x.State() != s {
					t.Fatalf("State %+v became %+v", s, x.State())
				}
			},
			"truncate": func(t *rapid.T) {
				to := next - rapid.Int64Range(0, 300).Draw(t, "by")
				for len(all) > 0 && all[len(all)-1].logOffset >= to {
					all = all[:len(all)-1]
				}
				check(x.Truncate(to))
				next = max(to, 0)
			},
			"": func(t *rapid.T) {
				h := rapid.Int32Range(0, 30).Draw(t, "hash")
				begin := 1_000_000 + 1000*rapid.Int64Range(-1, 100).Draw(t, "begin")
				end := begin + 1000*rapid.Int64Range(0, 100).Draw(t, "length")
				limit := rapid.IntRange(1, 20).Draw(t, "limit")
				var want []int64
				for _, r := range slices.Backward(all) {
					if len(want) < limit && r.storeTime >= begin && r.storeTime <= end && slices.Contains(r.hashes, h) {
						want = append(want, r.logOffset)
					}
				}
				got, err := x.Query(h, begin, end, limit, nil)
				if err != nil || !slices.Equal(got, want) {
					t.Fatalf("hash %d, %d … %d, at most %d: %v, %v; expected %v", h, begin, end, limit, got, err, want)
				}
				check(x.Verify())
			},
		})
		check(x.Close())
	})
}
