package admin

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// listed is an enumeration of names for an error: sorted, and cut where there are many.
func listed(names iter.Seq[string]) string {
	const most = 10
	all := slices.Sorted(names)
	switch {
	case len(all) == 0:
		return "none"
	case len(all) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
	}
	return strings.Join(all, ", ")
}

// VersionName is the name that RocketMQ gives the version that clients and brokers send as a number: V5_5_0 for 513.
func VersionName(version int32) string {
	// From 4.0.0 on the numbers are regular: a snapshot and a release for each of ten patches of ten minors.
	const first = 212 // the snapshot of 4.0.0
	if version < first {
		return fmt.Sprintf("V3 (%d)", version)
	}
	n := (version - first) / 2
	name := fmt.Sprintf("V%d_%d_%d", 4+n/100, n/10%10, n%10)
	if (version-first)%2 == 0 {
		name += "_SNAPSHOT"
	}
	return name
}
