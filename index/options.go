package index

import (
	"log/slog"
	"time"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// Defaults of Options.
const (
	DefaultSlots      = 5_000_000
	DefaultEntries    = 20_000_000
	DefaultMaxPending = 256 << 10
)

// Options say where an index lives and how large its files are.
type Options struct {
	FS  vfs.FS
	Dir string // made if it is missing

	// Slots and Entries are the H and N of the format, the same for all files of the directory: RocketMQ's maxHashSlotNum and
	// maxIndexNum. 0 means the default, 5,000,000 and 20,000,000 (files of 420 MB).
	Slots, Entries int

	// MaxPending is how many entries may wait in memory (20 bytes each, and about 20 more for the slots that they
	// change) before a put writes them out itself. 0 means 262,144.
	MaxPending int

	// Now and Location name new files by the wall clock. The defaults are time.Now and time.Local.
	Now      func() time.Time
	Location *time.Location

	Logger *slog.Logger // nil discards
}

func (o Options) withDefaults() Options {
	if o.Slots == 0 {
		o.Slots = DefaultSlots
	}
	if o.Entries == 0 {
		o.Entries = DefaultEntries
	}
	if o.MaxPending <= 0 {
		o.MaxPending = DefaultMaxPending
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Location == nil {
		o.Location = time.Local
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
