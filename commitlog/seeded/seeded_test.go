package seeded

import (
	"regexp"
	"testing"
)

func TestBugNamesAreDistinctWords(t *testing.T) {
	seen := map[Bug]bool{}
	for _, b := range All() {
		if seen[b] || !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(string(b)) {
			t.Errorf("name %q", b)
		}
		seen[b] = true
	}
}
