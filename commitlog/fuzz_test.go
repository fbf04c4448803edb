package commitlog

import (
	"testing"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// FuzzRecover opens logs whose segments hold anything: Open gives an error or a log in which every message verifies, which
// takes messages, and which is found the same by the next process.
func FuzzRecover(f *testing.F) {
	l, _ := filled(f, 2)
	whole := logBytes(f, l, 0, l.Max())
	f.Add(whole, uint16(0), int64(-1), false)
	f.Add(whole[:testSegment], uint16(1), int64(0), true)
	f.Add(whole[testSegment:], uint16(3), int64(testSegment), false)
	f.Add([]byte{}, uint16(0), int64(5), true)
	f.Fuzz(func(t *testing.T, content []byte, segment uint16, from int64, clean bool) {
		const size = testSegment
		if len(content) > 4*size {
			return
		}
		mem := vfs.NewMem()
		if err := mem.MkdirAll(testDir); err != nil {
			t.Fatal(err)
		}
		base := int64(segment) * size
		for at := 0; at == 0 || at < len(content); at += size {
			b := make([]byte, size)
			copy(b, content[at:])
			if err := vfs.WriteFileAtomic(mem, testDir+"/"+mapped.Name(base+int64(at)), b); err != nil {
				t.Fatal(err)
			}
		}
		l, rec, err := Open(testOptions(mem), Start{From: from, Clean: clean})
		if err != nil {
			return
		}
		if clean && rec.End == from {
			l.Close()
			return // what is below was promised to be good, and that nothing is above
		}
		var found int
		if from < 0 || from < l.Min() || from > l.Max() {
			found = len(contents(t, l))
			mustAppend(t, l, newNumbers(t), draft("next"))
			again, rec2 := reopen(t, mem.Kill())
			if got := len(contents(t, again)); got != found+1 {
				t.Fatalf("%d messages, %d after the next start (%+v, %+v)", found+1, got, rec, rec2)
			}
			again.Close()
		}
		l.Close()
	})
}

func FuzzCheckpoint(f *testing.F) {
	f.Add(exampleCheckpoint.Encode())
	f.Add(documentedCheckpoint(f))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := DecodeCheckpoint(b)
		if again := DecodeCheckpoint(c.Encode()); again != c {
			t.Errorf("%+v becomes %+v", c, again)
		}
	})
}
