// Command interop drives RocketMQ's official Go client, for tests that watch a server through it.
//
// It is a module of its own: the client must not become a dependency of the server. Each run does one thing and says on
// standard output what happened, one JSON object a line:
//
//	interop topic create|delete|list|queues   topics
//	interop send                              numbered messages with checksums
//	interop consume                           a push consumer that checks and counts them
//	interop pull                              one queue, from an offset on
//	interop poll                              a consumer that fetches ahead and is asked for what it has
//	interop request                           requests, with a consumer that replies to them
//
// A run ends when its work is done, its --timeout is over, or its standard input is closed; it exits with 1 if something went wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

var commands = map[string]func(ctx context.Context, args []string) error{
	"topic":   topic,
	"send":    send,
	"consume": consume,
	"pull":    pull,
	"poll":    poll,
	"request": request,
}

func main() {
	rlog.SetLogLevel("error")
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("no command: topic, send, consume, pull, poll or request")
	}
	f, ok := commands[args[0]]
	if !ok {
		return fmt.Errorf("command %q: topic, send, consume, pull, poll or request", args[0])
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with the process
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return f(ctx, args[1:])
}

// common are the flags that every command has.
type common struct {
	*flag.FlagSet
	namesrv   string
	topic     string
	namespace string
	tls       bool
	timeout   time.Duration
}

func newFlags(name string) *common {
	c := &common{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError)}
	c.StringVar(&c.namesrv, "namesrv", "127.0.0.1:9876", "address of the name server")
	c.StringVar(&c.topic, "topic", "interop", "name of the topic")
	c.StringVar(&c.namespace, "namespace", "", "what the names of topics and groups are prefixed with")
	c.BoolVar(&c.tls, "tls", false, "connect by TLS")
	c.DurationVar(&c.timeout, "timeout", time.Minute, "when to give up")
	return c
}

func (c *common) servers() primitive.NamesrvAddr { return primitive.NamesrvAddr{c.namesrv} }
