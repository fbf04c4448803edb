package remoting

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// What a PROXY header begins with, in its two versions: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
const (
	proxyV1 = "PROXY "
	proxyV2 = "\r\n\r\n\x00\r\nQUIT\n"

	proxyV1Most  = 107 // bytes of a header of version 1, its line end included
	proxyV2Fixed = 16  // bytes of a header of version 2, in front of the addresses
)

// decodeProxyHeader reads the header that a proxy puts in front of a connection. The source is invalid when the header names none, and size is 0
// when b is too short to tell.
func decodeProxyHeader(b []byte) (source netip.AddrPort, size int, err error) {
	for _, signature := range []string{proxyV1, proxyV2} {
		n := min(len(b), len(signature))
		if string(b[:n]) != signature[:n] {
			continue
		}
		if n < len(signature) {
			return source, 0, nil
		}
		if signature == proxyV1 {
			return decodeProxyV1(b)
		}
		return decodeProxyV2(b)
	}
	return source, 0, fmt.Errorf("%w: begins with % x", ErrFrame, b[:min(len(b), len(proxyV2))])
}

// decodeProxyV1 reads "PROXY TCP4 source destination sourcePort destinationPort" and a line end.
func decodeProxyV1(b []byte) (source netip.AddrPort, size int, err error) {
	end := bytes.Index(b[:min(len(b), proxyV1Most)], []byte("\r\n"))
	if end < 0 {
		if len(b) >= proxyV1Most {
			err = fmt.Errorf("%w: PROXY header without a line end in %d bytes", ErrFrame, proxyV1Most)
		}
		return source, 0, err
	}
	words := strings.Split(string(b[len(proxyV1):end]), " ")
	if words[0] == "UNKNOWN" {
		return source, end + 2, nil
	}
	if len(words) == 5 && (words[0] == "TCP4" || words[0] == "TCP6") {
		addr, err1 := netip.ParseAddr(words[1])
		port, err2 := strconv.ParseUint(words[3], 10, 16)
		if err1 == nil && err2 == nil && addr.Is4() == (words[0] == "TCP4") {
			return netip.AddrPortFrom(addr.Unmap(), uint16(port)), end + 2, nil
		}
	}
	return source, 0, fmt.Errorf("%w: PROXY header %q", ErrFrame, b[:end])
}

// decodeProxyV2 reads
//
//	┌───────────┬─────────────┬────────┬────────────────┬───────────────────────────────────────────┬──────────┐
//	│ signature │ version 2,  │ family │ length of what │ source, destination: 4 or 16 bytes each,  │ whatever │
//	│ 12 bytes  │ command     │ 1 byte │ follows, int16 │ their ports: 2 bytes each                 │ else     │
//	└───────────┴─────────────┴────────┴────────────────┴───────────────────────────────────────────┴──────────┘
func decodeProxyV2(b []byte) (source netip.AddrPort, size int, err error) {
	if len(b) < proxyV2Fixed {
		return source, 0, nil
	}
	size = proxyV2Fixed + int(binary.BigEndian.Uint16(b[14:]))
	if b[12] != 0x20 && b[12] != 0x21 {
		return source, 0, fmt.Errorf("%w: PROXY header with version and command %#x, expected 0x20 or 0x21", ErrFrame, b[12])
	}
	if len(b) < size {
		return source, 0, nil
	}
	addressBytes := 0
	switch b[13] {
	case 0x11: // TCP over IPv4
		addressBytes = 4
	case 0x21: // TCP over IPv6
		addressBytes = 16
	}
	if b[12] == 0x20 || addressBytes == 0 { // the proxy speaks for itself, or for something without such an address
		return source, size, nil
	}
	rest := b[proxyV2Fixed:size]
	if len(rest) < 2*addressBytes+4 {
		return source, 0, fmt.Errorf("%w: PROXY header with %d bytes of addresses, expected %d", ErrFrame, len(rest), 2*addressBytes+4)
	}
	addr, _ := netip.AddrFromSlice(rest[:addressBytes])
	return netip.AddrPortFrom(addr.Unmap(), binary.BigEndian.Uint16(rest[2*addressBytes:])), size, nil
}
