package consumequeue

import (
	"fmt"
	"github.com/gantry-mq/gantry/commitlog/vfs"
	"log/slog"
	"os"
	"strconv"
	"testing"
)

func TestDbg(t *testing.T) {
	seed, _ := strconv.Atoi(os.Getenv("DBG"))
	if os.Getenv("DBG") == "" {
		t.Skip()
	}
	m := newMachine(t, uint64(seed))
	m.opts.Logger = slog.New(slog.NewTextHandler(os.Stdout, nil))
	m.trace = func(f string, a ...any) { fmt.Printf(f+"\n", a...) }
	fmt.Println("filesize", m.opts.FileSize, "max", m.opts.MaxOpenFiles)
	_ = vfs.ErrFull
	m.boot(false)
	for range 4 {
		m.life()
	}
}
