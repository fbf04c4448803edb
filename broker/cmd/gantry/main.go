// Command gantry is the server side of RocketMQ 5.x in one binary; its subcommands are roles and tools.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := newRoot().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "gantry:", advice(err))
		os.Exit(exitCode(err))
	}
}
