package record

import (
	"bytes"
	"iter"
)

// Serialised properties are pairs "name 0x01 value 0x02"; the last 0x02 may be missing. A pair without a name or with an empty
// value is none, and the later of two with the same name is the one that counts.
const (
	nameEnd = 0x01
	pairEnd = 0x02
)

// Property returns the value of the property called name, which may be neither empty nor contain the bytes 0x01 and 0x02. The value aliases props.
func Property(props []byte, name string) (value []byte, ok bool) {
	for len(props) > 0 {
		var item []byte
		item, props = cutItem(props)
		if n := len(name); len(item) > n+1 && item[n] == nameEnd && string(item[:n]) == name {
			value, ok = item[n+1:], true
		}
	}
	return value, ok
}

// Pairs goes through the properties in the order in which they are stored. A name can come twice; the later one counts.
// Names and values alias props.
func Pairs(props []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for len(props) > 0 {
			var item []byte
			item, props = cutItem(props)
			i := bytes.IndexByte(item, nameEnd)
			if i > 0 && i < len(item)-1 && !yield(item[:i], item[i+1:]) {
				return
			}
		}
	}
}

// ParseMap returns the properties as a map of its own.
func ParseMap(props []byte) map[string]string {
	m := make(map[string]string, bytes.Count(props, []byte{nameEnd}))
	for name, value := range Pairs(props) {
		m[string(name)] = string(value)
	}
	return m
}

// AppendProperty appends a pair to the serialised properties dst, behind a separator if dst lacks its last one.
// Neither name nor value may contain the bytes 0x01 and 0x02.
func AppendProperty[N, V ~string | ~[]byte](dst []byte, name N, value V) []byte {
	dst = appendPairEnd(dst, 0)
	dst = append(dst, name...)
	dst = append(dst, nameEnd)
	dst = append(dst, value...)
	return append(dst, pairEnd)
}

// RemoveProperty returns the properties without those called name. It never changes props: the result is props itself, a part
// of it, or, only if something was taken out of the middle, a new slice.
func RemoveProperty(props []byte, name string) []byte {
	for {
		start, end := findItem(props, name)
		switch {
		case start < 0:
			return props
		case end == len(props):
			return props[:start:start]
		case start > 0:
			return appendWithout(make([]byte, 0, len(props)), props, name)
		}
		props = props[end:]
	}
}

// appendWithout appends props without those called name.
func appendWithout(dst, props []byte, name string) []byte {
	for {
		start, end := findItem(props, name)
		if start < 0 {
			return append(dst, props...)
		}
		dst = append(dst, props[:start]...)
		props = props[end:]
	}
}

// appendPairEnd appends a separator if there are properties behind dst[from:] and they lack their last one.
func appendPairEnd(dst []byte, from int) []byte {
	if len(dst) > from && dst[len(dst)-1] != pairEnd {
		return append(dst, pairEnd)
	}
	return dst
}

// findItem returns the bounds, the separator included, of the first pair called name, be its value empty or not; −1 if there is none.
func findItem(props []byte, name string) (start, end int) {
	for from := 0; ; {
		i := bytes.Index(props[from:], []byte(name))
		if i < 0 {
			return -1, -1
		}
		i += from
		from = i + len(name)
		if (i == 0 || props[i-1] == pairEnd) && from < len(props) && props[from] == nameEnd {
			if n := bytes.IndexByte(props[from:], pairEnd); n >= 0 {
				return i, from + n + 1
			}
			return i, len(props)
		}
		from = i + 1
	}
}

// cutItem splits props, which aren't empty, behind their first item.
func cutItem(props []byte) (item, rest []byte) {
	if i := bytes.IndexByte(props, pairEnd); i >= 0 {
		return props[:i], props[i+1:]
	}
	return props, nil
}
