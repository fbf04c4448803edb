package vfs

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestReadResidentRefusesARangeThatIsPartlyCold(t *testing.T) {
	const size = 64 << 10
	f := newOSTestFile(t)
	if _, err := f.WriteAt(make([]byte, size), 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	// Opened anew with read-ahead off, so that reading one page brings in that page only.
	file, err := os.Open(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	cold := newOSFile(file)
	defer cold.Close()
	for _, advice := range []int{unix.FADV_RANDOM, unix.FADV_DONTNEED} {
		if err := unix.Fadvise(cold.fd, 0, size, advice); err != nil {
			t.Skip("the file system takes no advice:", err)
		}
	}
	b := make([]byte, size)
	if _, err := cold.ReadResident(b[:1], 0); err == nil {
		t.Skip("the kernel kept the pages")
	} else if err != ErrNotResident {
		t.Fatalf("cold: %v", err)
	}
	if _, err := cold.ReadAt(b[:1], 0); err != nil {
		t.Fatal(err)
	}
	if n, err := cold.ReadResident(b[:1], 0); n != 1 || err != nil {
		t.Fatalf("warm: %d bytes, %v", n, err)
	}
	if n, err := cold.ReadResident(b, 0); n != 0 || err != ErrNotResident {
		t.Fatalf("partly cold: %d bytes, %v", n, err)
	}
}
