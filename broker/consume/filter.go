package consume

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// TagFilter picks messages by the hash of their tags, which stands in the queue unit. Clients compare the tags themselves, since
// hashes collide. The zero value lets every message pass.
type TagFilter struct {
	codes []int64 // empty: every message
}

// Parse sets the filter to an expression of tags: "*", or tags separated by "||". It uses the memory of the former one.
func (f *TagFilter) Parse(expression []byte) error {
	f.codes = f.codes[:0]
	expression = bytes.TrimSpace(expression)
	if len(expression) == 0 || string(expression) == "*" {
		return nil
	}
	for tag := range bytes.SplitSeq(expression, or) {
		if tag = bytes.TrimSpace(tag); len(tag) > 0 {
			f.codes = append(f.codes, record.TagCode(tag))
		}
	}
	if len(f.codes) == 0 {
		return fmt.Errorf("consume: the subscription %q names no tag", string(expression))
	}
	return nil
}

var or = []byte("||")

// All tells whether every message passes.
func (f *TagFilter) All() bool { return len(f.codes) == 0 }

// Matches tells whether a message with this tag code passes.
func (f *TagFilter) Matches(code int64) bool { return f.All() || slices.Contains(f.codes, code) }
