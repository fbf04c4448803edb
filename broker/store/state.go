package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"

	"github.com/gantry-mq/gantry/commitlog"
	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// state is what the store knows beyond the peer's checkpoint file. It lies in a file of its own, `gantry.checkpoint`: one line
// of JSON and one with its CRC-32, replaced atomically. Losing it costs time at the next start, not data.
type state struct {
	Format int `json:"format"`
	// Peer are the used bytes of the peer's checkpoint as this state's writer left it, or found it just before.
	// A broker of another make that ran in between has written others: then the positions below count for nothing.
	Peer       []byte `json:"peer"`
	PeerBefore []byte `json:"peerBefore"`

	Clean   bool       `json:"clean"`   // the store was closed in order
	Flushed int64      `json:"flushed"` // log offset, a record border: all below is whole and durable
	Queues  int64      `json:"queues"`  // log offset: all units of records below are durable
	Index   savedIndex `json:"index"`   // durable part of the index
	// CRCFrom is the log offset from which on this store's records carry the CRC property; negative if they don't.
	// It is a fact about the log, and counts whoever wrote last.
	CRCFrom int64 `json:"crcFrom"`
}

// savedIndex is an index.State.
type savedIndex struct {
	File      string `json:"file"`
	Count     int32  `json:"count"`
	LogOffset int64  `json:"logOffset"`
}

const stateFormat = 1

// stateName is the state's file in the store's root. The peer passes over files that it doesn't know there.
const stateName = "gantry.checkpoint"

var errState = errors.New("store: damaged " + stateName)

func (s state) encode() []byte {
	line, err := json.Marshal(s)
	if err != nil {
		panic(err) // numbers and strings only
	}
	return fmt.Appendf(nil, "%s\n%08x\n", line, crc32.ChecksumIEEE(line))
}

func decodeState(b []byte) (state, error) {
	line, sum, ok := bytes.Cut(b, []byte{'\n'})
	if want := fmt.Sprintf("%08x\n", crc32.ChecksumIEEE(line)); !ok || string(sum) != want {
		return state{}, fmt.Errorf("%w: checksum %q, expected %q", errState, sum, want)
	}
	var s state
	if err := json.Unmarshal(line, &s); err != nil {
		return state{}, fmt.Errorf("%w: %w", errState, err)
	}
	if s.Format != stateFormat {
		return state{}, fmt.Errorf("%w: format %d, expected %d", errState, s.Format, stateFormat)
	}
	return s, nil
}

// fits tells whether nobody else has written the peer's checkpoint since the state was written.
func (s state) fits(c commitlog.Checkpoint) bool {
	now := checkpointBytes(c)
	return bytes.Equal(now, s.Peer) || bytes.Equal(now, s.PeerBefore)
}

func checkpointBytes(c commitlog.Checkpoint) []byte { return c.Encode()[:48] }

// readState reads the state file; found is false if there is none that can be used.
func readState(fsys vfs.FS, name string) (s state, found bool, err error) {
	b, err := vfs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, false, nil
	}
	if err != nil {
		return state{}, false, fmt.Errorf("store: %w", err)
	}
	s, err = decodeState(b)
	return s, err == nil, err
}
