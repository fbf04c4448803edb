package index

import (
	"encoding/hex"
	"math"
	"os"
	"strings"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The bytes shown in the package comment, which are RocketMQ's.
const (
	goldenHeader = "000001a2093c179c 000001a2093cc40e 0000000000000000 00000000000aaf76 00000485 000008eb"
	goldenEntry  = "73fa7e51 0000000000000000 00000000 00000000"
)

func TestTheWorkedExampleOfThePackageCommentDecodes(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), goldenHeader) || !strings.Contains(string(doc), goldenEntry) {
		t.Error("doc.go shows other bytes than this test decodes")
	}
	l, err := newLayout(5000, 20000)
	if err != nil {
		t.Fatal(err)
	}
	raw := [headerSize]byte(unhex(t, goldenHeader))
	h, err := l.decodeHeader(&raw)
	want := header{beginTime: 1795451262876, endTime: 1795451307022, endOffset: 700278, slotsUsed: 1157, count: 2282}
	if err != nil || h != want {
		t.Errorf("header %+v, %v; expected %+v", h, err, want)
	}
	var again [headerSize]byte
	if h.encode(&again); again != raw {
		t.Errorf("header encodes as %x", again)
	}
	e := decodeEntry(unhex(t, goldenEntry))
	if e != (entry{hash: 0x73fa7e51}) {
		t.Errorf("entry %+v", e)
	}
	if got := hex.EncodeToString(appendEntry(nil, e)); got != strings.ReplaceAll(goldenEntry, " ", "") {
		t.Errorf("entry encodes as %s", got)
	}
	if l.entryAt(1) != 20060 || l.slotAt(l.slotOf(e.hash)) != 40+4*(0x73fa7e51%5000) {
		t.Errorf("entry 1 at %d, its slot at %d", l.entryAt(1), l.slotAt(l.slotOf(e.hash)))
	}
}

func TestDefaultFilesHaveTheSizeOfRocketMQs(t *testing.T) {
	l, err := newLayout(DefaultSlots, DefaultEntries)
	if err != nil || l.size() != 420_000_040 {
		t.Errorf("%d bytes, %v", l.size(), err)
	}
}

func TestImpossibleLayoutsAreRefused(t *testing.T) {
	for _, c := range [][2]int{{0, 10}, {-1, 10}, {10, 1}, {10, -5}, {1 << 40, 10}, {10, 1 << 40}, {10, 110_000_000}} {
		if _, err := newLayout(c[0], c[1]); err == nil {
			t.Errorf("%d slots and %d entries are accepted", c[0], c[1])
		}
	}
}

func TestHeadersThatNoWriterLeavesAreRefused(t *testing.T) {
	l, _ := newLayout(7, 16)
	for name, h := range map[string]header{
		"more entries than fit":   {count: 16},
		"negative count":          {count: -2},
		"end before begin":        {beginOffset: 2, endOffset: 1, count: 1},
		"negative begin":          {beginOffset: -2, endOffset: 1, count: 1},
		"more slots than entries": {slotsUsed: 9, count: 4},
		"negative slots":          {slotsUsed: -1, count: 4},
		"negative begin time":     {beginTime: -1, count: 4},
		"negative end time":       {endTime: -1, count: 4},
	} {
		var b [headerSize]byte
		h.encode(&b)
		if _, err := l.decodeHeader(&b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if h, err := l.decodeHeader(new([headerSize]byte)); err != nil || h.count != 0 {
		t.Errorf("a file of zeros: %+v, %v", h, err)
	}
}

func TestTimeDiffStaysWithinItsBounds(t *testing.T) {
	for _, c := range []struct {
		store, begin int64
		want         int32
	}{
		{5000, 0, 0}, {5999, 5000, 0}, {6000, 5000, 1}, {4000, 5000, 0}, {math.MaxInt64, 1, math.MaxInt32}, {math.MinInt64, math.MaxInt64, 0},
	} {
		if got := timeDiff(c.store, c.begin); got != c.want {
			t.Errorf("timeDiff(%d, %d) = %d, expected %d", c.store, c.begin, got, c.want)
		}
	}
}

func TestLinksOnlyLeadToOlderEntries(t *testing.T) {
	for prev, want := range map[int32]int32{-1: 0, 0: 0, 4: 4, 5: 0, 6: 0, math.MaxInt32: 0} {
		if got := (entry{prev: prev}).older(5); got != want {
			t.Errorf("from entry 5 a link to %d leads to %d, expected %d", prev, got, want)
		}
	}
}
