package fastjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// marker is what the text of a Key or an IntKey begins with on its way through encoding/json, so that Marshal knows it from a string that only looks like one.
const marker = "\x00"

// Unmarshal decodes a text in the dialect into v as encoding/json does.
func Unmarshal(src []byte, v any) error {
	std, err := Standard(src)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(std, v); err != nil {
		return fmt.Errorf("fastjson: %w", err)
	}
	return nil
}

// Key makes a T usable as the key of a map that is written with objects as keys. T must not have a text form of its own.
type Key[T comparable] struct{ Of T }

// MarshalText is for encoding/json.
func (k Key[T]) MarshalText() ([]byte, error) {
	b, err := encode(k.Of)
	return append([]byte(marker), b...), err
}

// UnmarshalText is for encoding/json.
func (k *Key[T]) UnmarshalText(b []byte) error {
	return json.Unmarshal(bytes.TrimPrefix(b, []byte(marker)), &k.Of)
}

// IntKey is the key of a map for which the reader decides whether keys need quotes: see Marshal.
type IntKey int64

// MarshalText is for encoding/json.
func (k IntKey) MarshalText() ([]byte, error) {
	return strconv.AppendInt([]byte(marker), int64(k), 10), nil
}

// UnmarshalText is for encoding/json.
func (k *IntKey) UnmarshalText(b []byte) error {
	n, err := strconv.ParseInt(string(bytes.TrimPrefix(b, []byte(marker))), 10, 64)
	*k = IntKey(n)
	return err
}

// Integers says how the keys of a map[IntKey]T are written.
type Integers bool

// QuotedIntegers is standard JSON, BareIntegers the form that Java's own servers write: {0:…}.
const (
	QuotedIntegers Integers = false
	BareIntegers   Integers = true
)

// Marshal encodes v as encoding/json does, with the keys of a map[Key[T]]U as objects and those of a map[IntKey]T as the caller says.
// It escapes no HTML.
func Marshal(v any, integers Integers) ([]byte, error) {
	b, err := encode(v)
	if err != nil {
		return nil, fmt.Errorf("fastjson: %w", err)
	}
	return dialect(b, integers), nil
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// dialect rewrites the keys in src that begin with the marker and hold JSON.
func dialect(src []byte, integers Integers) []byte {
	const quoted = `"\u0000` // as encoding/json writes the quote and the marker
	if !bytes.Contains(src, []byte(quoted)) {
		return src
	}
	dst := make([]byte, 0, len(src))
	for i := 0; i < len(src); {
		if src[i] != '"' {
			dst = append(dst, src[i])
			i++
			continue
		}
		end := stringEnd(src, i)
		text := src[i:end]
		i = end
		var key string
		if !bytes.HasPrefix(text, []byte(quoted)) || i == len(src) || src[i] != ':' || json.Unmarshal(text, &key) != nil {
			dst = append(dst, text...)
			continue
		}
		inner := []byte(key[len(marker):])
		switch {
		case !json.Valid(inner): // a string of somebody's that happens to begin like the marker
			dst = append(dst, text...)
		case inner[0] != '{' && integers == QuotedIntegers:
			dst = append(append(append(dst, '"'), inner...), '"')
		default:
			dst = append(dst, dialect(inner, integers)...)
		}
	}
	return dst
}

// stringEnd is the index behind the string that begins at src[i]. src is the output of encoding/json.
func stringEnd(src []byte, i int) int {
	for i++; src[i] != '"'; i++ {
		if src[i] == '\\' {
			i++
		}
	}
	return i + 1
}
