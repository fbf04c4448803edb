package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"syscall"
)

// options are what the command line says.
type options struct {
	base, head string
	rounds     int
	only       *regexp.Regexp
	identical  bool
	file       string

	root  string // a directory of the repository
	cases []Case
}

func main() {
	o := options{root: ".", cases: cases()}
	only := flag.String("run", "", "compare only cases that match, as \"broker/handler Exchange\"")
	flag.StringVar(&o.base, "base", "HEAD~1", "the commit to compare with")
	flag.StringVar(&o.head, "head", "", "the commit that is judged (the working tree)")
	flag.IntVar(&o.rounds, "rounds", 10, "samples of each side, each of which takes "+strconv.Itoa(tries)+" runs; of what looks worse then, "+strconv.Itoa(moreSamples)+" times as many")
	flag.BoolVar(&o.identical, "identical", false, "measure also what is the same binary on both sides, to see whether the gate passes it")
	flag.StringVar(&o.file, "o", "", "also write the report to this file")
	flag.Parse()
	var err error
	if o.only, err = regexp.Compile(*only); err != nil || flag.NArg() > 0 || o.rounds < minRounds {
		fmt.Fprintf(os.Stderr, "gate: bad arguments: %v %q, at least %d rounds\n", err, flag.Args(), minRounds)
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	r, err := compare(ctx, o, log.New(os.Stderr, "gate: ", log.Ltime))
	stop()
	if err == nil {
		text := r.markdown()
		fmt.Print(text)
		if o.file != "" {
			err = os.WriteFile(o.file, []byte(text), 0o666)
		}
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case len(r.worse()) > 0:
		os.Exit(1)
	}
}
