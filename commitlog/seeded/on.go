//go:build seededbugs

package seeded

import "os"

// chosen is read once: the bug is there from the start of the process, or not at all.
var chosen = Bug(os.Getenv(Env))

// Is tells whether the program has the bug.
func Is(b Bug) bool { return b == chosen }
