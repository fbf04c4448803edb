package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gantry-mq/gantry/broker/internal/peer"
)

// javaClient is RocketMQ's Java client of one version and the cases of .ci/interop/java, compiled against it.
type javaClient struct {
	version   string
	classPath string
}

// What takes a Maven run or a compiler run is done once for all tests.
var (
	javaClient4   = sync.OnceValues(func() (*javaClient, error) { return buildJavaClient("4.9.8") })
	javaClient5   = sync.OnceValues(func() (*javaClient, error) { return buildJavaClient("5.5.0") })
	javaExamples5 = sync.OnceValues(func() (*javaClient, error) {
		cp, err := peer.ClassPath("client.xml", "-Drocketmq.version=5.5.0", "-Pexample")
		return &javaClient{"5.5.0", cp}, err
	})
)

// needJava is a client, or the end of the test: skipped, or failed if GANTRY_REQUIRE_INTEROP=1 says that everything must be there.
func needJava(t testing.TB, build func() (*javaClient, error)) *javaClient {
	t.Helper()
	if testing.Short() && !peer.Required() {
		peer.Missing(t, peer.ErrShort)
	}
	c, err := build()
	if err != nil {
		peer.Missing(t, err)
	}
	return c
}

func buildJavaClient(version string) (*javaClient, error) {
	if _, err := exec.LookPath("javac"); err != nil {
		return nil, err
	}
	cp, err := peer.ClassPath("client.xml", "-Drocketmq.version="+version)
	if err != nil {
		return nil, err
	}
	dir, err := peer.Dir()
	if err != nil {
		return nil, err
	}
	sources, err := filepath.Glob(filepath.Join(dir, "cases", "*.java"))
	if err != nil {
		return nil, err
	}
	classes := filepath.Join(scratch, "java-"+version)
	args := append([]string{"-nowarn", "-encoding", "UTF-8", "-d", classes, "-cp", cp}, sources...)
	if out, err := exec.Command("javac", args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("javac, with the client of %s: %w\n%s", version, err, out)
	}
	return &javaClient{version, classes + string(os.PathListSeparator) + cp}, nil
}

// java prepares a program of the class path. Its heap is small, it writes its logs to a directory of the test's, and it dies with the test.
func (c *javaClient) java(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	home := t.TempDir()
	all := append([]string{
		"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-Duser.home=" + home,
		"-Drocketmq.client.rebalance.waitInterval=1000", "-Drocketmq.client.rebalance.lockInterval=1000", // not 20 s
		"-cp", c.classPath,
	}, args...)
	cmd := exec.Command("java", all...)
	cmd.Dir = home
	t.Cleanup(func() {
		if cmd.Process != nil {
			_ = cmd.Process.Kill() // it may have ended
		}
	})
	return cmd
}
