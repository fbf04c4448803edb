package consume

import (
	"fmt"
	"strings"

	"github.com/gantry-mq/gantry/commitlog/record"
)

// TagFilter picks messages by the hash of their tags, which stands in the queue unit. Clients compare the tags themselves, since
// hashes collide.
type TagFilter struct {
	codes []int64 // nil: every message
}

// ParseTags reads an expression of tags: "*", or tags separated by "||".
func ParseTags(expression string) (TagFilter, error) {
	expression = strings.TrimSpace(expression)
	if expression == "" || expression == "*" {
		return TagFilter{}, nil
	}
	var f TagFilter
	for tag := range strings.SplitSeq(expression, "||") {
		if tag = strings.TrimSpace(tag); tag != "" {
			f.codes = append(f.codes, record.TagCode([]byte(tag)))
		}
	}
	if f.codes == nil {
		return TagFilter{}, fmt.Errorf("consume: the subscription %q names no tag", expression)
	}
	return f, nil
}

// All tells whether every message passes.
func (f *TagFilter) All() bool { return f.codes == nil }

// Matches tells whether a message with this tag code passes.
func (f *TagFilter) Matches(code int64) bool {
	if f.All() {
		return true
	}
	for _, c := range f.codes {
		if c == code {
			return true
		}
	}
	return false
}
