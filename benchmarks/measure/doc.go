// Package measure has what the load drivers of all kinds of servers measure with: CPU time and memory of a process, histograms of
// latencies, waits that end when they should, and the check that what a server numbered has no holes.
package measure
