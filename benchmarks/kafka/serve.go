package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gantry-mq/gantry/benchmarks/driver"
	"github.com/gantry-mq/gantry/benchmarks/jvm"
	"github.com/gantry-mq/gantry/benchmarks/maven"
)

//go:embed pom.xml
var pom []byte

// cluster is what the node's directory is formatted for. Any id will do for a cluster of one.
const cluster = "MkU3OEVBNTcwNTJENDM2Qg"

// The flags of Kafka's own start script.
var jvmFlags = []string{
	"-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent",
	"-Djava.awt.headless=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
}

func serve(ctx context.Context, args []string) (err error) {
	runtime.LockOSThread() // the JVM dies with the thread that has started it, should this process be killed
	defer runtime.UnlockOSThread()
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	dir := fs.String("data", "", "`directory` of the log and the configuration")
	flush := fs.String("flush", "async", "when messages are acknowledged: async, or sync, after they are on the disk")
	heap := fs.String("heap", "1g", "`size` of the heap")
	if err := driver.Parse(fs, args); err != nil {
		return err
	}
	if *dir == "" || *flush != "async" && *flush != "sync" {
		return fmt.Errorf("-data %q -flush %q, expected a directory, and async or sync", *dir, *flush)
	}
	jars, err := maven.ClassPathOf(ctx, pom, true)
	if err != nil {
		return err
	}
	port, err := jvm.FreePort(0, 1)
	if err != nil {
		return err
	}
	config, err := configure(*dir, port, *flush == "sync")
	if err != nil {
		return err
	}
	if err := format(ctx, *dir, jars, config); err != nil {
		return err
	}
	p := jvm.Program{
		Name: "kafka", Args: append(append([]string(nil), jvmFlags...), "-Xms"+*heap, "-Xmx"+*heap, "-cp", jars, "kafka.Kafka", config),
		Ready: "Kafka Server started",
	}
	server, err := p.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if err := driver.Ready(fmt.Sprintf("addr=127.0.0.1:%d", port), fmt.Sprintf("pid=%d", server.PID())); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-server.Exited():
		return server.Fault("ended")
	}
}

// configure writes the configuration of a node that is its own controller: the defaults, but for addresses, paths and the one replica
// that a single node can have.
func configure(dir string, port int, sync bool) (file string, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	keys := []string{
		"process.roles=broker,controller", "node.id=1", fmt.Sprintf("controller.quorum.voters=1@127.0.0.1:%d", port+1),
		fmt.Sprintf("listeners=PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", port, port+1),
		fmt.Sprintf("advertised.listeners=PLAINTEXT://127.0.0.1:%d", port), "inter.broker.listener.name=PLAINTEXT",
		"controller.listener.names=CONTROLLER", "log.dirs=" + filepath.Join(dir, "log"), "offsets.topic.replication.factor=1",
		"transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1",
	}
	if sync {
		keys = append(keys, "log.flush.interval.messages=1")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	file = filepath.Join(dir, "server.properties")
	return file, os.WriteFile(file, []byte(strings.Join(keys, "\n")+"\n"), 0o644)
}

// format prepares the log's directory, as a node requires before its first start.
func format(ctx context.Context, dir, jars, config string) error {
	if _, err := os.Stat(filepath.Join(dir, "log", "meta.properties")); err == nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, "java", "-Xmx128m", "-cp", jars, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", config)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format %s: %w: %.1000s", dir, err, said)
	}
	return nil
}
