package remoting

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// FuzzFrame feeds arbitrary bytes to a connection, cut into arbitrary pieces: nothing panics, and the commands don't depend on the cuts.
func FuzzFrame(f *testing.F) {
	f.Add(append(request(34, 1, false, "x"), request(10, 2, true, "y")...), uint8(7))
	f.Add([]byte{0, 0, 0, 4, 0, 0, 0, 0}, uint8(1))
	f.Add(append(request(34, 1, false, "x"), 0xff, 0xff, 0xff, 0xff), uint8(200))
	f.Fuzz(func(t *testing.T, stream []byte, piece uint8) {
		whole := serveStream(stream, len(stream)+1)
		if cut := serveStream(stream, int(piece)+1); cut != whole {
			t.Fatalf("in one piece:\n%s\nin pieces of %d:\n%s", whole, piece+1, cut)
		}
	})
}

// serveStream describes the commands that a connection makes of a stream, and its end.
func serveStream(stream []byte, piece int) string {
	const maxFrame = 1 << 12
	var out strings.Builder
	in := &inbox{buf: make([]byte, 16)}
	r := &pieces{stream, piece}
	for {
		_, err := in.read(r, maxFrame)
		used, bad := in.decode(maxFrame)
		for _, c := range in.cmds {
			fmt.Fprintf(&out, "%+v\n", c)
		}
		in.drop(used)
		if bad != nil {
			fmt.Fprintln(&out, bad)
			return out.String()
		}
		if err != nil {
			fmt.Fprintf(&out, "%d bytes left\n", in.end)
			return out.String()
		}
	}
}

// pieces is a reader that brings so many bytes at a time.
type pieces struct {
	stream []byte
	piece  int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.stream) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.stream[:min(p.piece, len(p.stream))])
	p.stream = p.stream[n:]
	return n, nil
}
