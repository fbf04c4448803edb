package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gantry-mq/gantry/benchmarks/driver"
)

// startPatience bounds a start, which reads all streams of the data directory.
const startPatience = 5 * time.Minute

// serve runs a server with the defaults of NATS. By default it syncs files every two minutes; with -sync always, before each
// acknowledgement.
func serve(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	addr := fs.String("addr", "127.0.0.1:0", "`host:port` to listen on")
	dir := fs.String("data", "", "`directory` of the streams")
	sync := fs.String("sync", "default", "when files are synced: default or always")
	if err := driver.Parse(fs, args); err != nil {
		return err
	}
	options, err := serverOptions(*addr, *dir, *sync)
	if err != nil {
		return err
	}
	s, err := server.NewServer(options)
	if err != nil {
		return err
	}
	s.Start()
	defer func() {
		s.Shutdown()
		s.WaitForShutdown()
	}()
	if !s.ReadyForConnections(startPatience) {
		return fmt.Errorf("not ready after %v", startPatience)
	}
	if !s.JetStreamEnabled() {
		return fmt.Errorf("JetStream isn't running with %s", *dir)
	}
	if err := driver.Ready("addr="+s.Addr().String(), "version="+server.VERSION, "sync="+*sync); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func serverOptions(addr, dir, sync string) (*server.Options, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, err
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	if dir == "" {
		return nil, fmt.Errorf("no -data directory")
	}
	if sync != "default" && sync != "always" {
		return nil, fmt.Errorf("-sync %q, expected default or always", sync)
	}
	return &server.Options{
		Host: host, Port: port, JetStream: true, StoreDir: dir, SyncAlways: sync == "always", NoLog: true, NoSigs: true,
	}, nil
}
