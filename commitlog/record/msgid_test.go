package record

import (
	"errors"
	"net/netip"
	"testing"
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestMessageIDsNameHostAndOffset(t *testing.T) {
	for id, want := range map[string]struct {
		host Host
		off  int64
	}{
		"7F000001000051AF00000000000009D2":                         {Host{ip("127.0.0.1"), 20911}, 2514},
		"00000000000000000000000000000001000078BF000000000007B0B9": {Host{ip("::1"), 30911}, 503993},
		"0A0B0C0DFFFFFFFFFFFFFFFFFFFFFFFF":                         {Host{ip("10.11.12.13"), -1}, -1},
	} {
		if got := AppendMessageID([]byte("x,"), want.host, want.off); string(got) != "x,"+id {
			t.Errorf("%v at %d: %s, want %s", want.host, want.off, got, id)
		}
		host, off, err := ParseMessageID(id)
		if host != want.host || off != want.off || err != nil {
			t.Errorf("%s: %v, %d, %v", id, host, off, err)
		}
	}
	if host, off, err := ParseMessageID("7f000001000051af00000000000009d2"); host.Port != 20911 || off != 2514 || err != nil {
		t.Errorf("lower case: %v, %d, %v", host, off, err)
	}
}

func TestWhatIsNoMessageIDIsRefused(t *testing.T) {
	for _, id := range []string{
		"", "7F", "7F000001000051AF00000000000009D", "7F000001000051AF00000000000009D2A",
		"7F000001000051AF00000000000009DG", "00000000000000000000000000000001000078BF000000000007B0B9AA",
	} {
		if _, _, err := ParseMessageID(id); !errors.Is(err, ErrMessageID) {
			t.Errorf("%q: %v", id, err)
		}
	}
}
