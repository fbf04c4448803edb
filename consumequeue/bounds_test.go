package consumequeue

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// boundsExample is the worked example of the package comment.
const boundsExample = "47 74 51 42 00 01 00 00 00 00 00 00 00 00 26 48 00 00 00 00 00 00 00 01 " +
	"00 01 54 00 00 00 02 00 00 00 00 00 00 00 00 5f 00 00 00 00 00 00 00 5f 00 00 00 00 00 00 24 b8 00 00 00 00 00 00 07 6c " +
	"%s"

func TestBoundsTableIsAsDocumented(t *testing.T) {
	table := boundsTable{minLog: 9800, lines: []boundsLine{{queueName{"T", 2}, false, false, 95, 95, 9400, 1900}}}
	b := table.encode()
	want := fmt.Sprintf(boundsExample, fmt.Sprintf("% x", b[len(b)-4:]))
	if got := fmt.Sprintf("% x", b); got != want {
		t.Fatalf("encoded\n%s, expected\n%s", got, want)
	}
	got, err := decodeBounds(b)
	if err != nil || !reflect.DeepEqual(got, table) {
		t.Fatalf("decoded %+v, %v", got, err)
	}
}

func TestEveryFlippedBitOfABoundsTableIsNoticed(t *testing.T) {
	table := boundsTable{minLog: 9800, lines: []boundsLine{{queueName{"T", 2}, false, false, 95, 95, 9400, 1900}, {queueName{"T", 3}, true, true, 0, 1, -1, 20}}}
	b := table.encode()
	for i := range 8 * len(b) {
		b[i/8] ^= 1 << (i % 8)
		_, err := decodeBounds(b)
		wantErr(t, err, ErrBounds)
		b[i/8] ^= 1 << (i % 8)
	}
	for n := range len(b) {
		_, err := decodeBounds(b[:n])
		wantErr(t, err, ErrBounds)
	}
}

func TestBackupOfTheBoundsTableTakesItsPlace(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, Options{FS: fs, FileSize: 400})
	appendUnits(t, s.Open("T", 0), 0, 95)
	must(t, s.SetMinLog(9500))
	must(t, s.SetMinLog(9600)) // the backup has 9500
	mustClose(t, s)
	must(t, fs.RemoveAll("/cq"))
	must(t, vfs.WriteFileAtomic(fs, "/cq.bounds", []byte("damaged")))
	s = mustOpen(t, Options{FS: fs, FileSize: 400, MinLog: 9600})
	wantBounds(t, s.Open("T", 0), 95, 95)
	mustClose(t, s)

	for _, name := range []string{"/cq.bounds", "/cq.bounds" + vfs.BackupSuffix} {
		must(t, vfs.WriteFileAtomic(fs, name, []byte("damaged")))
	}
	_, err := Open(Options{FS: fs, Dir: "/cq", FileSize: 400})
	wantErr(t, err, ErrBounds)
	if !strings.Contains(err.Error(), "/cq.bounds") {
		t.Fatalf("%q doesn't name the table", err)
	}
}

// TestAnotherBrokerMayHaveUsedTheStoreInBetween: the table is then older than the files.
func TestAnotherBrokerMayHaveUsedTheStoreInBetween(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, Options{FS: fs, FileSize: 400})
	appendUnits(t, s.Open("T", 0), 0, 35)
	appendUnits(t, s.Open("T", 1), 0, 40)
	appendUnits(t, s.Open("T", 2), 0, 40)
	mustClose(t, s)
	table, err := vfs.ReadFile(fs, "/cq.bounds")
	must(t, err)
	s = mustOpen(t, Options{FS: fs, FileSize: 400})
	must(t, s.Truncate(3900))
	must(t, s.Open("T", 2).Append(39, Unit{LogOffset: 3850, Size: 10})) // as many as before
	appendUnits(t, s.Open("T", 0), 0, 95)
	appendUnits(t, s.Open("T", 1), 0, 41)
	mustClose(t, s)
	must(t, vfs.WriteFileAtomic(fs, "/cq.bounds", table))

	s = mustOpen(t, Options{FS: fs, FileSize: 400, Clean: true})
	wantUnits(t, s.Open("T", 0), 0, 95)
	must(t, s.Open("T", 2).Append(40, Unit{LogOffset: 3860, Size: 10}))
	must(t, s.SetMinLog(1<<30)) // the other queue was not used: its line must not be taken over
	mustClose(t, s)
	must(t, fs.RemoveAll("/cq"))
	s = mustOpen(t, Options{FS: fs, FileSize: 400, MinLog: 1 << 30})
	wantBounds(t, s.Open("T", 0), 95, 95)
	wantBounds(t, s.Open("T", 1), 41, 41)
}

func FuzzDecodeBounds(f *testing.F) {
	f.Add((&boundsTable{}).encode())
	f.Add((&boundsTable{repairing: true, minLog: 9800, lines: []boundsLine{{queueName{"T", 2}, false, false, 95, 95, 9400, 1900}}}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := decodeBounds(b)
		if err != nil {
			wantErr(t, err, ErrBounds)
			return
		}
		if again := table.encode(); !bytes.Equal(again, b) {
			t.Fatalf("% x comes back as % x", b, again)
		}
	})
}
