package remoting

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrField is wrapped by the errors of Fields' methods.
var ErrField = errors.New("bad field")

// Field is one of a command's named values. On the wire all values are text.
type Field struct{ Key, Value []byte }

// Fields are a command's named values in the order of the wire. Where a name comes twice, the last one counts.
type Fields []Field

// Get finds a field. It scans: whoever needs many fields of one command ranges over them instead.
func (f Fields) Get(name string) (value []byte, ok bool) {
	for i := len(f) - 1; i >= 0; i-- {
		if string(f[i].Key) == name {
			return f[i].Value, true
		}
	}
	return nil, false
}

// Str is a copy of the field's value, empty where it is missing.
func (f Fields) Str(name string) string {
	v, _ := f.Get(name)
	return string(v)
}

// Int32 is the field's value, def where it is missing. An error names the field and what it holds.
func (f Fields) Int32(name string, def int32) (int32, error) {
	v, ok := f.Get(name)
	if !ok {
		return def, nil
	}
	n, ok := ParseInt(v)
	if !ok || int64(int32(n)) != n {
		return def, badField(name, v, "an integer of 32 bits")
	}
	return int32(n), nil
}

// Int64 is the field's value, def where it is missing. An error names the field and what it holds.
func (f Fields) Int64(name string, def int64) (int64, error) {
	v, ok := f.Get(name)
	if !ok {
		return def, nil
	}
	n, ok := ParseInt(v)
	if !ok {
		return def, badField(name, v, "an integer of 64 bits")
	}
	return n, nil
}

// Bool is the field's value, def where it is missing. An error names the field and what it holds.
func (f Fields) Bool(name string, def bool) (bool, error) {
	v, ok := f.Get(name)
	if !ok {
		return def, nil
	}
	b, ok := ParseBool(v)
	if !ok {
		return def, badField(name, v, "true or false")
	}
	return b, nil
}

// Add appends a field to those of a request that is being built.
func (f *Fields) Add(name, value string) {
	*f = append(*f, Field{Key: []byte(name), Value: []byte(value)})
}

// AddInt appends a field that holds a number.
func (f *Fields) AddInt(name string, value int64) {
	*f = append(*f, Field{Key: []byte(name), Value: strconv.AppendInt(nil, value, 10)})
}

// AddBool appends a field that holds true or false.
func (f *Fields) AddBool(name string, value bool) {
	*f = append(*f, Field{Key: []byte(name), Value: strconv.AppendBool(nil, value)})
}

func badField(name string, value []byte, want string) error {
	const most = 64 // of a value that may be megabytes of somebody else's bytes
	if len(value) > most {
		return fmt.Errorf("%w: %s is %q… (%d bytes), expected %s", ErrField, name, value[:most], len(value), want)
	}
	return fmt.Errorf("%w: %s is %q, expected %s", ErrField, name, value, want)
}

// ParseInt reads a decimal number with an optional sign, all of b, without allocating.
func ParseInt(b []byte) (n int64, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	neg := b[0] == '-'
	if neg || b[0] == '+' {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 19 && !leadingZeros(&b) {
		return 0, false
	}
	var u uint64
	for _, c := range b {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		u = u*10 + uint64(c) // 19 digits fit
	}
	if neg {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u < 1<<63
}

// leadingZeros cuts zeros from the front and says whether 19 digits at most are left.
func leadingZeros(b *[]byte) bool {
	for len(*b) > 1 && (*b)[0] == '0' {
		*b = (*b)[1:]
	}
	return len(*b) <= 19
}

// ParseBool reads true or false in any case, all of b, without allocating.
func ParseBool(b []byte) (v, ok bool) {
	switch {
	case equalFold(b, "true"):
		return true, true
	case equalFold(b, "false"):
		return false, true
	}
	return false, false
}

// equalFold compares with a word in lower case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c|0x20 != lower[i] {
			return false
		}
	}
	return true
}
