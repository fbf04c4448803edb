// Command gate compares the hot paths of two commits and fails when the later one is worse.
//
//	go run ./benchmarks/gate -base main              # the working tree against a commit
//	go run ./benchmarks/gate -base v1 -head v2
//
// It builds the Go benchmarks of both sides, runs them by turns (base, head, head, base, …) and judges each measure of each
// benchmark: head is worse if a Mann–Whitney U test says that the two differ, and their typical values do by more than the benchmark's
// tolerance. What looks worse is measured again, with fresh rounds, and only those decide: one unlucky moment of the machine is no
// regression. Time may differ by some percent, everything else by less than one in a hundred operations.
//
// # What is measured
//
// Both sides are built with the same Go toolchain, of which a few lines are replaced while building (go build -overlay):
//
//   - The clock of package testing tells the processor time of the process, so ns/op is what the work costs, whatever else the
//     machine does meanwhile and however much of it a hypervisor takes away. Where a core or a cache is shared, the same work takes
//     more processor time, too, but not all the time: so a run is cut into slices, of which the quickest counts, and a sample is the
//     least of a few runs. Each run has one processor (GOMAXPROCS) and a fixed number of iterations, so that allocations per
//     operation are the same each time.
//   - In a second build, of the benchmarks that are counted, system calls, the bytes that they copy, lock acquisitions and wake-ups
//     of goroutines are counted at the one place in the standard library that all of them go through. So nothing of ours has to be
//     changed for it, and no path evades it.
//
// No benchmark knows of this, so commits that are older than the gate can be compared, too. A benchmark that only one side has is named
// and not judged.
//
// # What is not measured
//
// System calls that fail are not counted: whether a read finds its socket empty first depends on who runs when. For the same reason
// wake-ups by the network poller aren't. Instruction counts need hardware counters, which virtual machines seldom have. Copies within
// the process can't be counted; those between it and the kernel are.
package main
