package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// javaDir has the Maven projects that name the jars of RocketMQ, and the programs that are run with them.
const javaDir = "../../../.ci/interop/java"

// javaClient is RocketMQ's Java client of one version and the cases of javaDir, compiled against it.
type javaClient struct {
	version   string
	classPath string
}

// What takes a Maven run or a compiler run is done once for all tests.
var (
	javaClient4   = sync.OnceValues(func() (*javaClient, error) { return buildJavaClient("4.9.8") })
	javaClient5   = sync.OnceValues(func() (*javaClient, error) { return buildJavaClient("5.5.0") })
	javaExamples5 = sync.OnceValues(func() (*javaClient, error) {
		cp, err := mavenClassPath("client.xml", "-Drocketmq.version=5.5.0", "-Pexample")
		return &javaClient{"5.5.0", cp}, err
	})
)

// needJava is a client, or the end of the test: skipped, or failed if GANTRY_REQUIRE_INTEROP=1 says that everything must be there.
func needJava(t testing.TB, build func() (*javaClient, error)) *javaClient {
	t.Helper()
	required := os.Getenv("GANTRY_REQUIRE_INTEROP") == "1"
	if testing.Short() && !required {
		t.Skip("-short: no Java clients")
	}
	c, err := build()
	switch {
	case err == nil:
		return c
	case required:
		t.Fatal(err)
	default:
		t.Skipf("RocketMQ's Java client can't be had: %v", err)
	}
	return nil
}

func buildJavaClient(version string) (*javaClient, error) {
	if _, err := exec.LookPath("javac"); err != nil {
		return nil, err
	}
	cp, err := mavenClassPath("client.xml", "-Drocketmq.version="+version)
	if err != nil {
		return nil, err
	}
	sources, err := filepath.Glob(filepath.Join(javaDir, "cases", "*.java"))
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

// mavenClassPath is the class path of a project. It is kept where the user's caches are, as long as the file stays as it is and
// all its jars are there: Maven takes seconds to say the same again.
func mavenClassPath(pom string, args ...string) (string, error) {
	pom = filepath.Join(javaDir, pom)
	lock, err := os.ReadFile(pom)
	if err != nil {
		return "", err
	}
	args = append([]string{"-q", "-B", "-f", pom}, args...)
	cached, err := os.UserCacheDir()
	if err != nil {
		cached = scratch
	}
	sum := sha256.Sum256(fmt.Append(lock, args))
	cached = filepath.Join(cached, "gantry-interop", "classpath-"+hex.EncodeToString(sum[:8]))
	if b, err := os.ReadFile(cached); err == nil && allThere(string(b)) {
		return string(b), nil
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		return "", err
	}
	made := filepath.Join(scratch, filepath.Base(cached))
	if os.Getenv("GANTRY_REQUIRE_INTEROP") != "1" {
		args = append(args, "--offline") // a test downloads nothing unless it must
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	args = append(args, "dependency:build-classpath", "-Dmdep.outputFile="+made)
	if out, err := exec.CommandContext(ctx, "mvn", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("mvn %s: %w\n%.500s", strings.Join(args, " "), err, out)
	}
	b, err := os.ReadFile(made)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(cached), 0o755); err == nil {
		_ = os.WriteFile(cached, b, 0o644) // the next run asks Maven again
	}
	return string(b), nil
}

func allThere(classPath string) bool {
	for _, jar := range filepath.SplitList(classPath) {
		if _, err := os.Stat(jar); err != nil {
			return false
		}
	}
	return classPath != ""
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
