// Command scaling tells what would limit a broker that has more CPUs than the machine at hand.
//
// It reads a running broker's metrics twice while a load is on it. They say what a message costs and how long the two things took
// that are done one after the other: appends, which hold the log's lock, and dispatch into queues and index. A simulation
// of connections that share CPUs and wait for these two says how many messages a second that comes to with any number of CPUs.
//
// # The simulation
//
// Connections, four to a CPU at least, each take a batch of messages, work on it (exponentially distributed around the measured time),
// append it under the lock, write the answers, announce the batch, and dispatch what was announced if nobody else is at it; what stands in the log before
// that and isn't announced yet has to be read back. What is announced while somebody dispatches is his, up to a limit; the rest is left to a goroutine of its
// own. Whoever meets a lock that is held spins for some microseconds, then sleeps and gives his CPU to another one; a lock that is given up goes to one who
// spins, or else to the first to come while one who sleeps is woken. That is how Go's mutex works. Events happen in the order of their time, and
// random numbers come from a fixed seed: the same figures give the same table.
//
// It knows nothing of what the machine at hand can't show: caches that many CPUs take from each other, memory on another socket,
// the kernel's own locks, a disk or a network that is full. What it says is an upper bound.
package main
