package remoting

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestTheSourceOfAProxyHeaderIsRead(t *testing.T) {
	v2 := "0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a "
	for name, tc := range map[string]struct {
		header []byte
		source string
	}{
		"v1 IPv4":               {[]byte("PROXY TCP4 192.0.2.1 198.51.100.7 56324 10911\r\n"), "192.0.2.1:56324"},
		"v1 IPv6":               {[]byte("PROXY TCP6 2001:db8::1 2001:db8::2 56324 10911\r\n"), "[2001:db8::1]:56324"},
		"v1 unknown":            {[]byte("PROXY UNKNOWN\r\n"), "invalid AddrPort"},
		"v1 unknown with words": {[]byte("PROXY UNKNOWN ffff:: ffff:: 1 2\r\n"), "invalid AddrPort"},
		"v2 IPv4":               {unhex(t, v2+"21 11 00 0c c0 00 02 01 c6 33 64 07 dc 04 2a 9f"), "192.0.2.1:56324"},
		"v2 with more":          {unhex(t, v2+"21 11 00 10 c0 00 02 01 c6 33 64 07 dc 04 2a 9f 04 00 01 00"), "192.0.2.1:56324"},
		"v2 IPv6": {unhex(t, v2+"21 21 00 24 20010db8000000000000000000000001 20010db8000000000000000000000002 dc 04 2a 9f"),
			"[2001:db8::1]:56324"},
		"v2 local": {unhex(t, v2+"20 00 00 00"), "invalid AddrPort"},
		"v2 unix":  {unhex(t, v2+"21 31 00 02 00 00"), "invalid AddrPort"},
	} {
		stream := append(bytes.Clone(tc.header), "rest"...)
		source, size, err := decodeProxyHeader(stream)
		if err != nil || size != len(tc.header) || source.String() != tc.source {
			t.Errorf("%s: %v, %d bytes of %d, %v", name, source, size, len(tc.header), err)
		}
		for n := range tc.header {
			if _, size, err := decodeProxyHeader(tc.header[:n]); size != 0 || err != nil {
				t.Errorf("%s: the first %d bytes: size %d, %v", name, n, size, err)
			}
		}
	}
}

func TestBadProxyHeadersAreRefused(t *testing.T) {
	v2 := "0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a "
	for _, header := range []string{
		"PROXX", "PROXY TCP4 1.2.3.4\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n", "PROXY \r\n", "\r\nx",
		"PROXY " + strings.Repeat("x", 200),
		string(unhex(t, v2+"31 11 00 00")), string(unhex(t, v2+"21 11 00 03 01 02 03")),
	} {
		if source, size, err := decodeProxyHeader([]byte(header)); !errors.Is(err, ErrFrame) {
			t.Errorf("%.40q: %v, %d, %v", header, source, size, err)
		}
	}
}

func FuzzProxyHeader(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.1 198.51.100.7 56324 10911\r\n"))
	f.Add(unhex(f, "0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 00 0c c0 00 02 01 c6 33 64 07 dc 04 2a 9f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		source, size, err := decodeProxyHeader(b)
		if size > len(b) || err != nil && size != 0 || size == 0 && source != (netip.AddrPort{}) {
			t.Fatalf("%v, size %d of %d, %v", source, size, len(b), err)
		}
		if size > 0 { // what is behind it doesn't matter
			if again, n, err := decodeProxyHeader(b[:size]); again != source || n != size || err != nil {
				t.Fatalf("cut behind it: %v, %d, %v", again, n, err)
			}
		}
	})
}
