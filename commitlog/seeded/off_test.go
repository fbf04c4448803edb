//go:build !seededbugs

package seeded

import "testing"

func TestABugChosenWithoutTheTagIsNotThere(t *testing.T) {
	for _, b := range All() {
		t.Setenv(Env, string(b))
		if Is(b) {
			t.Errorf("%s is there", b)
		}
	}
}
