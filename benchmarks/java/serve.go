package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gantry-mq/gantry/benchmarks/driver"
	"github.com/gantry-mq/gantry/benchmarks/jvm"
	"github.com/gantry-mq/gantry/benchmarks/maven"
)

//go:embed pom.xml
var pom []byte

// options are what a start takes.
type options struct {
	dir       string // of the store, logs and configuration
	flush     string // async or sync
	heap      string // of the broker, as JVMs take it
	classPath string
}

func serve(ctx context.Context, args []string) (err error) {
	runtime.LockOSThread() // the JVMs die with the thread that has started them, should this process be killed
	defer runtime.UnlockOSThread()
	var o options
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	fs.StringVar(&o.dir, "data", "", "`directory` of the store, logs and configuration")
	fs.StringVar(&o.flush, "flush", "async", "when messages are acknowledged: async, or sync, after they are on the disk")
	fs.StringVar(&o.heap, "heap", "1g", "`size` of the broker's heap")
	if err := driver.Parse(fs, args); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	if o.classPath, err = maven.ClassPathOf(ctx, pom, true); err != nil {
		return err
	}

	namesrvPort, err := jvm.FreePort(0, 0)
	if err != nil {
		return err
	}
	namesrv, err := o.start(ctx, "namesrv", namesrvFlags, "org.apache.rocketmq.namesrv.NamesrvStartup", fmt.Sprintf("listenPort=%d", namesrvPort))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, namesrv.Stop()) }()
	brokerPort, err := jvm.FreePort(2, 1) // a broker also takes the port two below, for the same, and the one above, for slaves
	if err != nil {
		return err
	}
	broker, err := o.start(ctx, "broker", append(brokerFlags, "-Xms"+o.heap, "-Xmx"+o.heap), "org.apache.rocketmq.broker.BrokerStartup", o.brokerKeys(namesrvPort, brokerPort)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Stop()) }()

	words := []string{fmt.Sprintf("addr=127.0.0.1:%d", brokerPort), fmt.Sprintf("namesrv=127.0.0.1:%d", namesrvPort), fmt.Sprintf("pid=%d", broker.PID())}
	if err := driver.Ready(words...); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-broker.Exited():
		return broker.Fault("ended")
	case <-namesrv.Exited():
		return namesrv.Fault("ended")
	}
}

func (o *options) check() error {
	if o.dir == "" {
		return errors.New("no -data directory")
	}
	if o.flush != "async" && o.flush != "sync" {
		return fmt.Errorf("-flush %q, expected async or sync", o.flush)
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	o.dir = dir
	return os.MkdirAll(dir, 0o755)
}

// start runs a class with a configuration of these keys.
func (o *options) start(ctx context.Context, name string, flags []string, class string, keys ...string) (*jvm.Process, error) {
	config := filepath.Join(o.dir, name+".conf")
	if err := os.WriteFile(config, []byte(strings.Join(keys, "\n")+"\n"), 0o644); err != nil {
		return nil, err
	}
	p := jvm.Program{
		Name: name, Args: append(append([]string(nil), flags...), "-Duser.home="+o.dir, "-cp", o.classPath, class, "-c", config),
		Env: []string{"ROCKETMQ_HOME=" + o.dir}, Ready: "boot success",
	}
	return p.Start(ctx)
}

// The flags of bin/runbroker.sh and bin/runserver.sh, with smaller heaps, and without AlwaysPreTouch: with it, memory that is never
// needed would count as used.
var (
	namesrvFlags = []string{"-server", "-Xms256m", "-Xmx256m", "-XX:+UseG1GC", "-XX:SoftRefLRUPolicyMSPerMB=0", "-XX:-OmitStackTraceInFastThrow"}
	brokerFlags  = []string{
		"-server", "-XX:+UseG1GC", "-XX:G1HeapRegionSize=16m", "-XX:G1ReservePercent=25", "-XX:InitiatingHeapOccupancyPercent=30",
		"-XX:SoftRefLRUPolicyMSPerMB=0", "-XX:-OmitStackTraceInFastThrow", "-XX:-UseLargePages",
	}
)

// brokerKeys are the broker's configuration: its defaults, but for addresses and paths.
func (o *options) brokerKeys(namesrvPort, port int) []string {
	return []string{
		"brokerClusterName=DefaultCluster", "brokerName=java", "brokerId=0", "brokerIP1=127.0.0.1", fmt.Sprintf("listenPort=%d", port),
		fmt.Sprintf("namesrvAddr=127.0.0.1:%d", namesrvPort), "storePathRootDir=" + filepath.Join(o.dir, "store"),
		"flushDiskType=" + strings.ToUpper(o.flush) + "_FLUSH", "transientStorePoolEnable=false", "autoCreateTopicEnable=true",
	}
}
