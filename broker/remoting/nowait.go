package remoting

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// nowaitPieces is how many slices one attempt may have: the system call's list for them is on the stack up to that. More are written by net's
// own call, which takes any number, and waits for the socket no longer than directPatience.
const (
	nowaitPieces   = 8
	directPatience = time.Millisecond
)

// nowait writes to a socket what it takes at once. It needs no deadline: one per answer would leave a timer each time, and timers that are due
// this soon cost a process that has little to do two more wake-ups per answer.
type nowait struct {
	nc   *net.TCPConn
	raw  syscall.RawConn
	call func(fd uintptr) bool // n.try: made once, so that an attempt allocates nothing

	// of the attempt that is under way
	pieces [][]byte
	wrote  int
	err    error
}

// newNowait is nil where nc can't do it.
func newNowait(nc net.Conn) *nowait {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	n := &nowait{nc: tcp, raw: raw}
	n.call = n.try
	return n
}

// write writes what the socket takes and cuts it from the front of b. Only one goroutine may be in there.
func (n *nowait) write(b *net.Buffers) (int, error) {
	if len(*b) > nowaitPieces {
		return n.writeMany(b)
	}
	n.pieces, n.wrote, n.err = *b, 0, nil
	err := n.raw.Write(n.call)
	if errors.Is(err, os.ErrDeadlineExceeded) { // of a write that did wait, and is over
		if err = n.nc.SetWriteDeadline(time.Time{}); err == nil {
			err = n.raw.Write(n.call)
		}
	}
	n.pieces = nil
	if err == nil {
		err = n.err
	}
	left := n.wrote
	for len(*b) > 0 && left >= len((*b)[0]) {
		left -= len((*b)[0])
		*b = (*b)[1:]
	}
	if left > 0 {
		(*b)[0] = (*b)[0][left:]
	}
	return n.wrote, err
}

func (n *nowait) writeMany(b *net.Buffers) (int, error) {
	if err := n.nc.SetWriteDeadline(time.Now().Add(directPatience)); err != nil {
		return 0, err
	}
	wrote, err := b.WriteTo(n.nc)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return int(wrote), err
}

// try is called with the socket's descriptor. It is done after one attempt, whatever comes of it.
func (n *nowait) try(fd uintptr) bool {
	for {
		wrote, err := unix.Writev(int(fd), n.pieces)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
		case err != nil:
			n.err = os.NewSyscallError("writev", err)
		default:
			n.wrote = wrote
		}
		return true
	}
}
