// Package golden gives tests the stores that RocketMQ wrote. Its README, beside them in broker/store/testdata/golden, tells how.
package golden

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/gantry-mq/gantry/broker/internal/module"
)

// Open reads the file of that name, which is kept compressed. It is closed with the test.
func Open(t testing.TB, name string) io.Reader {
	t.Helper()
	root, err := module.Root()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(root, "broker", "store", "testdata", "golden", name+".zst"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(z.Close)
	return z
}

// Unpack returns a directory with the store of that name. It goes with the test. What without names at the store's top,
// files or directories, is left out: it costs time, and not every test looks at it.
func Unpack(t testing.TB, name string, without ...string) string {
	t.Helper()
	dir := t.TempDir()
	for r := tar.NewReader(Open(t, name+".tar")); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		_, file, ok := strings.Cut(h.Name, "/") // the store's own name comes first
		part, _, _ := strings.Cut(file, "/")
		if regular := h.Typeflag == tar.TypeReg || h.Typeflag == tar.TypeGNUSparse; !ok || !regular || slices.Contains(without, part) {
			continue
		}
		write(t, filepath.Join(dir, file), r)
	}
}

func write(t testing.TB, path string, content io.Reader) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, content); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
