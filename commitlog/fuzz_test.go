package commitlog

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/mapped"
	"github.com/gantry-mq/gantry/commitlog/record"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// FuzzRecover opens logs whose segments hold anything, told as changes of a good one: of each four bytes of edits, two are
// a position and two are written there. Open gives an error or a log in which every message verifies, which takes messages,
// and which the next process finds the same. (Edits instead of contents keep the inputs short: long ones take minutes to minimise.)
func FuzzRecover(f *testing.F) {
	const size = 512 // of a segment
	options := func(fsys vfs.FS) Options {
		o := testOptions(fsys)
		o.SegmentSize = size
		return o
	}
	l, _ := mustOpen(f, options(vfs.NewMem()), Start{From: -1})
	mustAppend(f, l, newNumbers(f), draft("a"), draft("b"), draft("c"), draft("d"), draft("e"), draft("f"), draft("g"))
	whole := logBytes(f, l, 0, l.Max())

	f.Add([]byte{}, uint16(2*size), uint8(0), int64(-1), false)
	f.Add([]byte{0, 90, 'x', 'y'}, uint16(size+200), uint8(0), int64(0), true)
	f.Add([]byte{0, 4, 0xcb, 0xd4, 0, 6, 0x31, 0x94, 0, 0, 0, 0}, uint16(3*size), uint8(3), int64(5), false)
	f.Add([]byte{0, 0, 1, 1}, uint16(411), uint8(0), int64(508), false) // From leaves no room for a blank
	f.Fuzz(func(t *testing.T, edits []byte, length uint16, segment uint8, from int64, clean bool) {
		content := bytes.Clone(whole[:min(len(whole), int(length))])
		for ; len(edits) >= 4 && len(content) > 2; edits = edits[4:] {
			copy(content[int(binary.BigEndian.Uint16(edits))%(len(content)-1):], edits[2:4])
		}
		mem := vfs.NewMem()
		if err := mem.MkdirAll(testDir); err != nil {
			t.Fatal(err)
		}
		base := int64(segment) * size
		if err := writeSegments(mem, base, content, size); err != nil {
			t.Fatal(err)
		}
		l, rec, err := open(options(mem), Start{From: from, Clean: clean})
		if err != nil {
			return
		}
		defer l.Close()
		if clean && from == rec.End {
			return // what is below was promised to be good, and above that there is nothing
		}
		check := record.Check{BodyCRC: true} // a wrong CRC property alone is let pass
		want := len(contentsFrom(t, l, rec.From, check)) + 1
		mustAppend(t, l, newNumbers(t), draft("next"))
		again, rec2 := mustOpen(t, options(mem.Kill()), Start{From: rec.From})
		if got := len(contentsFrom(t, again, rec.From, check)); got != want {
			t.Fatalf("%d messages, %d after the next start (%+v, %+v)", want, got, rec, rec2)
		}
	})
}

func writeSegments(fsys vfs.FS, base int64, content []byte, size int) error {
	for at := 0; at == 0 || at < len(content); at += size {
		b := make([]byte, size)
		copy(b, content[at:])
		if err := vfs.WriteFileAtomic(fsys, testDir+"/"+mapped.Name(base+int64(at)), b); err != nil {
			return err
		}
	}
	return nil
}

func FuzzCheckpoint(f *testing.F) {
	f.Add(exampleCheckpoint.Encode()[:checkpointUsed])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := DecodeCheckpoint(b)
		if again := DecodeCheckpoint(c.Encode()); again != c {
			t.Errorf("%+v becomes %+v", c, again)
		}
	})
}
