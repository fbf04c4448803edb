package remoting

import (
	"fmt"
	"maps"
	"net"
	"testing"
)

func TestFixedFieldsAreReadLikeOthersWhereverTheyStand(t *testing.T) {
	fixed := FixFields("region", "a \"quoted\" one\n", "on", "true")
	for _, binary := range []bool{false, true} {
		for _, order := range []string{"F", "vF", "Fv", "vFv"} {
			t.Run(fmt.Sprintf("binary=%v/%s", binary, order), func(t *testing.T) {
				c := newConn(new(net.TCPConn), handlerFunc(echo), ServerOptions{}.withDefaults().limits(), nil, new(pools))
				w := c.Reply(Ticket{opaque: 1, binary: binary}, RespSuccess, "")
				want := map[string]string{"region": "a \"quoted\" one\n", "on": "true"}
				for i, what := range order {
					if what == 'F' {
						w.Fixed(fixed)
						continue
					}
					name := fmt.Sprint("f", i)
					w.Int(name, int64(i))
					want[name] = fmt.Sprint(i)
				}
				if !w.seal() {
					t.Fatal(w.err)
				}
				var out Command
				if _, err := decodeFrame(&out, w.head, nil); err != nil {
					t.Fatal(err)
				}
				if got := asMap(out.Fields); !maps.Equal(got, want) {
					t.Errorf("%v, expected %v", got, want)
				}
			})
		}
	}
}
