//go:build !seededbugs

package seeded

// Is tells whether the program has the bug: never.
func Is(Bug) bool { return false }
