package index

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// testdata/java-index has the first two index files of a store that RocketMQ 5.5 wrote with 97 slots and 400 entries per file;
// java-index.jsonl the messages that were sent meanwhile.
const (
	javaSlots, javaEntries = 97, 400
	javaLast               = 0x29b8a // log offset of the last record in the two files, which goes on in a third
)

var javaFiles = []string{"20261123171738835", "20261123171739454"}

func javaBytes(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "java-index", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// javaDir is a directory with copies of the files.
func javaDir(t testing.TB) Options {
	t.Helper()
	fs := vfs.NewMem()
	if err := fs.MkdirAll("index"); err != nil {
		t.Fatal(err)
	}
	for _, name := range javaFiles {
		writeFile(t, fs, "index/"+name, javaBytes(t, name))
	}
	return Options{FS: fs, Dir: "index", Slots: javaSlots, Entries: javaEntries}
}

func writeFile(t testing.TB, fs vfs.FS, name string, content []byte) {
	t.Helper()
	f, err := fs.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(content, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	b, err := vfs.ReadFile(fs, name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type sentMessage struct {
	Topic, Tags, Keys string
	UniqueID          string `json:"unique_id"`
	LogOffset         int64  `json:"log_offset"`
	StoreTimestamp    int64  `json:"store_timestamp"`
}

func sentMessages(t *testing.T) []sentMessage {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "java-index.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all []sentMessage
	for d := json.NewDecoder(bytes.NewReader(raw)); d.More(); {
		var m sentMessage
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

func TestEveryKeyOfAJavaIndexIsFound(t *testing.T) {
	x := mustOpen(t, javaDir(t), State{}, true)
	defer mustClose(t, x)
	if err := x.Verify(); err != nil {
		t.Error(err)
	}
	looked := 0
	for _, m := range sentMessages(t) {
		hashes := []int32{KeyHash(m.Topic, m.UniqueID)}
		for key := range strings.FieldsSeq(m.Keys) {
			hashes = append(hashes, KeyHash(m.Topic, key))
		}
		if m.Tags != "" {
			hashes = append(hashes, TagHash(m.Topic, m.Tags))
		}
		for _, h := range hashes {
			// RocketMQ's times are exact to the second.
			got, err := x.Query(h, m.StoreTimestamp, m.StoreTimestamp, math.MaxInt, nil)
			if err != nil || !slices.Contains(got, m.LogOffset) {
				t.Errorf("%+v, hash %#x: %v, %v", m, h, got, err)
			}
			looked++
		}
	}
	if looked < 600 {
		t.Errorf("only %d keys in the test data", looked)
	}
}

func TestACleanJavaIndexIsFollowedFromItsLastRecord(t *testing.T) {
	x := mustOpen(t, javaDir(t), State{}, true)
	defer mustClose(t, x)
	want := State{File: javaFiles[1], Count: javaEntries - 1, LogOffset: javaLast}
	if got := x.State(); got != want {
		t.Errorf("State %+v, expected %+v", got, want)
	}
	put(t, x, javaLast, 1795454259799, 1, 2)
	if s := x.Stats(); s.Entries != 2*(javaEntries-1) {
		t.Errorf("the last record was indexed again: %+v", s)
	}
	put(t, x, javaLast+1, 1795454259799, 1, 2)
	if s := x.Stats(); s.Entries != 2*(javaEntries-1)+2 {
		t.Errorf("the next record was not indexed: %+v", s)
	}
}

func TestAfterAnUncleanStopAJavaIndexLosesItsLastFileAndRecord(t *testing.T) {
	o := javaDir(t)
	x := mustOpen(t, o, State{}, false)
	defer mustClose(t, x)
	// The record at 0x152b1 has entries in both files, so its rest in the first goes, too.
	got := x.State()
	if got.File != javaFiles[0] || got.LogOffset != 0x152b1 || got.Count >= javaEntries-1 {
		t.Errorf("State %+v", got)
	}
	if err := x.Verify(); err != nil {
		t.Error(err)
	}
}

func TestAfterAnUncleanStopTornJavaFilesAreFound(t *testing.T) {
	o := javaDir(t)
	torn := javaBytes(t, javaFiles[0])
	clear(torn[4096:8192])
	writeFile(t, o.FS, "index/"+javaFiles[0], torn)
	x := mustOpen(t, o, State{}, false)
	defer mustClose(t, x)
	if got := x.State(); got != (State{}) {
		t.Errorf("State %+v, expected to begin anew", got)
	}
}

// The same puts as RocketMQ's must give the same files, byte for byte.
func TestFilesAreTheBytesThatJavaWrote(t *testing.T) {
	l, err := newLayout(javaSlots, javaEntries)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{FS: vfs.NewMem(), Dir: "index", Slots: javaSlots, Entries: javaEntries, MaxPending: 150}
	x := mustOpen(t, o, State{}, true)
	type record struct {
		logOffset, storeTime int64
		hashes               []int32
	}
	var records []record
	for _, name := range javaFiles {
		b := javaBytes(t, name)
		h, err := l.decodeHeader((*[headerSize]byte)(b))
		if err != nil {
			t.Fatal(err)
		}
		for n := int32(1); n <= h.count; n++ {
			e := decodeEntry(b[l.entryAt(n):])
			at := e.timeOf(n, h.beginTime)
			if e.logOffset == h.endOffset {
				at = h.endTime // the one that is known to the millisecond
			}
			if k := len(records) - 1; k >= 0 && records[k].logOffset == e.logOffset {
				records[k].hashes = append(records[k].hashes, e.hash)
				continue
			}
			records = append(records, record{e.logOffset, at, []int32{e.hash}})
		}
	}
	for i, r := range records {
		put(t, x, r.logOffset, r.storeTime, r.hashes...)
		if i%50 == 0 {
			flush(t, x)
		}
	}
	mustClose(t, x)
	names := fileNames(t, o)
	if len(names) != len(javaFiles) {
		t.Fatalf("%d files", len(names))
	}
	for i, name := range javaFiles {
		got, want := readFile(t, o.FS, "index/"+names[i]), javaBytes(t, name)
		if !bytes.Equal(got, want) {
			at := 0
			for at < len(got) && got[at] == want[at] {
				at++
			}
			t.Errorf("file %d differs at %d from RocketMQ's %s", i, at, name)
		}
	}
}
