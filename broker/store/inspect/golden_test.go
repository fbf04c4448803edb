package inspect

import (
	"archive/tar"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// unpack returns a directory with a store that RocketMQ 5.5.0 wrote, without its timer wheel, which is large.
func unpack(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "testdata", "golden", name+".tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		_, file, ok := strings.Cut(h.Name, "/")
		if regular := h.Typeflag == tar.TypeReg || h.Typeflag == tar.TypeGNUSparse; !ok || !regular || file == "timerwheel" {
			continue
		}
		to := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStoresOfThePeerAreInOrder(t *testing.T) {
	if raceDetector {
		t.Skip("one goroutine, and minutes of unpacking")
	}
	for _, test := range []struct {
		name    string
		clean   bool
		records int64 // that take a place in a queue
	}{
		{"java-store-5.5.0", true, 634}, {"java-store-5.5.0-features", true, 1031}, {"java-store-5.5.0-tiered", true, 1021},
		{"java-store-5.5.0-killed", false, 4083}, {"java-store-5.5.0-crashed", false, 1284},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := unpack(t, test.name)
			l, err := OpenLog(vfs.OS(), []string{filepath.Join(dir, "commitlog")}, math.MaxInt64)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			r, err := Verify(vfs.OS(), dir, l, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Clean != test.clean || r.Stats.Records != test.records {
				t.Errorf("clean %v with %d records, expected %v with %d", r.Clean, r.Stats.Records, test.clean, test.records)
			}
			for _, p := range r.Problems {
				t.Errorf("%s: %s", p.Where, p.What)
			}
		})
	}
}
