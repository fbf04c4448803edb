package remoting

import "io"

const (
	firstBytes   = 1 << 10  // what the reads of a connection ask for that wakes up: mostly it has little to say
	inboxBytes   = 64 << 10 // and when that has been filled; up to keepBytes when this is filled each time
	keepCommands = 4096
	// roomyReads is after how many reads that would have fitted well into keepBytes an inbox that grew for a large frame shrinks again.
	roomyReads = 32
)

// inbox holds the bytes that a busy connection has read and what they were decoded into. buf[:end] begins with a frame.
type inbox struct {
	buf    []byte
	end    int
	cmds   []Command
	arena  []Field // the fields of all cmds
	filled bool    // the last read left no room: there is more where it came from
	roomy  int
}

// read reads once, into what room there is behind buf[:end].
func (in *inbox) read(r io.Reader, maxFrame int) (int, error) {
	in.makeRoom(maxFrame)
	n, err := r.Read(in.buf[in.end:])
	in.end += n
	in.filled = in.end == len(in.buf)
	return n, err
}

// makeRoom grows the buffer: for a frame that is larger, but never to more than twice what has really arrived (or inboxBytes), and for a peer that
// keeps it full.
func (in *inbox) makeRoom(maxFrame int) {
	size := len(in.buf)
	switch need, _ := frameSize(in.buf[:in.end], maxFrame); {
	case in.end == len(in.buf):
		size = min(max(2*len(in.buf), inboxBytes), max(need, keepBytes))
	case in.filled && len(in.buf) < keepBytes:
		size = max(2*len(in.buf), inboxBytes)
	case len(in.buf) > keepBytes && max(need, in.end) < keepBytes/2:
		if in.roomy++; in.roomy < roomyReads {
			return
		}
		size = keepBytes
	}
	in.roomy = 0
	if size != len(in.buf) {
		buf := make([]byte, size)
		copy(buf, in.buf[:in.end])
		in.buf = buf
	}
}

// decode decodes the complete frames and returns how many bytes they are. An error is about the frame behind them.
func (in *inbox) decode(maxFrame int) (int, error) {
	clear(in.cmds)
	in.cmds, in.arena = in.cmds[:0], in.arena[:0]
	at := 0
	for {
		size, err := frameSize(in.buf[at:in.end], maxFrame)
		if err != nil {
			return at, err
		}
		if size == 0 || size > in.end-at || size < prefixBytes {
			return at, nil
		}
		in.cmds = append(in.cmds, Command{})
		in.arena, err = decodeFrame(&in.cmds[len(in.cmds)-1], in.buf[at:at+size:at+size], in.arena)
		if err != nil {
			in.cmds = in.cmds[:len(in.cmds)-1]
			return at, err
		}
		at += size
	}
}

// drop forgets the first n bytes.
func (in *inbox) drop(n int) {
	in.end = copy(in.buf, in.buf[n:in.end])
}
