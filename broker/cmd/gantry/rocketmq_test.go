package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// rocketmqTimeout bounds each single thing that a Java process is asked for.
const rocketmqTimeout = time.Minute

// rocketmq is what is needed to run RocketMQ beside Gantry.
type rocketmq struct {
	classPath string
	dir       string // for logs, stores and the like
}

// needRocketMQ finds the Java side, or skips the test: it fails if GANTRY_REQUIRE_INTEROP=1 says that it must be there.
func needRocketMQ(t *testing.T) *rocketmq {
	t.Helper()
	required := os.Getenv("GANTRY_REQUIRE_INTEROP") == "1"
	miss := func(format string, args ...any) {
		t.Helper()
		if required {
			t.Fatalf(format, args...)
		}
		t.Skipf("no RocketMQ to run beside: "+format, args...)
	}
	if testing.Short() && !required {
		miss("-short")
	}
	if _, err := exec.LookPath("java"); err != nil {
		miss("%v", err)
	}
	cp, err := mavenClassPath("pom.xml")
	if err != nil {
		miss("%v", err)
	}
	return &rocketmq{classPath: cp, dir: t.TempDir()}
}

// javaProcess is a running Java program.
type javaProcess struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	stderr syncBuffer
	exited chan struct{} // closed when it has ended
}

func (j *rocketmq) command(heapMiB int, args ...string) *exec.Cmd {
	all := append([]string{
		fmt.Sprintf("-Xmx%dm", heapMiB), "-XX:MaxDirectMemorySize=128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.home=" + j.dir,
		"-Drocketmq.broker.diskSpaceWarningLevelRatio=0.99", "-cp", j.classPath,
	}, args...)
	cmd := exec.Command("java", all...)
	cmd.Env = append(os.Environ(), "ROCKETMQ_HOME="+j.dir)
	return cmd
}

// start runs a Java program until the test ends.
func (j *rocketmq) start(t *testing.T, heapMiB int, args ...string) *javaProcess {
	t.Helper()
	p := &javaProcess{cmd: j.command(heapMiB, args...), exited: make(chan struct{})}
	p.cmd.Stderr = &p.stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewScanner(out)
	go func() { // ends with the process
		defer close(p.exited)
		_, _ = p.cmd.Process.Wait() // how it ended is of no interest: what it did is looked at
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.exited
		if t.Failed() {
			t.Logf("%s said: %.2000s", args[0], p.stderr.String())
		}
	})
	return p
}

// file writes a configuration file.
func (j *rocketmq) file(t *testing.T, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(j.dir, name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// namesrv starts RocketMQ's name server and returns its address.
func (j *rocketmq) namesrv(t *testing.T) string {
	t.Helper()
	port := freePorts(t, 0, 0)
	p := j.start(t, 128, "org.apache.rocketmq.namesrv.NamesrvStartup", "-c", j.file(t, "namesrv.conf", fmt.Sprint("listenPort=", port)))
	p.waitFor(t, port)
	return fmt.Sprint("127.0.0.1:", port)
}

// broker starts RocketMQ's broker and returns its address.
func (j *rocketmq) broker(t *testing.T, name, namesrv string, lines ...string) (*javaProcess, string) {
	t.Helper()
	port := freePorts(t, 2, 1)
	p := j.start(t, 384, "org.apache.rocketmq.broker.BrokerStartup", "-c", j.file(t, name+".conf", append(lines,
		"brokerClusterName=DefaultCluster", "brokerName="+name, "brokerId=0", "brokerIP1=127.0.0.1", fmt.Sprint("listenPort=", port),
		"namesrvAddr="+namesrv, "storePathRootDir="+filepath.Join(j.dir, name), "mappedFileSizeCommitLog=1048576", "mappedFileSizeConsumeQueue=20000",
		"maxHashSlotNum=500", "maxIndexNum=2000", "timerWheelEnable=false", "diskMaxUsedSpaceRatio=95")...))
	p.waitFor(t, port)
	return p, fmt.Sprint("127.0.0.1:", port)
}

// client starts the Java client.
func (j *rocketmq) client(t *testing.T, namesrv string) *javaProcess {
	t.Helper()
	return j.start(t, 128, filepath.Join(javaDir, "Interop.java"), namesrv)
}

// admin runs a command of mqadmin and returns what it prints.
func (j *rocketmq) admin(t *testing.T, namesrv string, args ...string) string {
	t.Helper()
	cmd := j.command(128, append([]string{"org.apache.rocketmq.tools.command.MQAdminStartup", args[0], "-n", namesrv}, args[1:]...)...)
	watch := time.AfterFunc(rocketmqTimeout, func() { cmd.Process.Kill() })
	defer watch.Stop()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("mqadmin %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// ask gives a command to the client and returns the lines of its answer, split into fields.
func (p *javaProcess) ask(t *testing.T, format string, args ...any) [][]string {
	t.Helper()
	command := fmt.Sprintf(format, args...)
	watch := time.AfterFunc(rocketmqTimeout, func() { p.cmd.Process.Kill() })
	defer watch.Stop()
	if _, err := io.WriteString(p.in, command+"\n"); err != nil {
		t.Fatal(err)
	}
	var lines [][]string
	for p.out.Scan() {
		switch fields := strings.Split(p.out.Text(), "\t"); fields[0] {
		case "ok":
			return lines
		case "failed":
			t.Fatalf("%s: %s", command, fields[1:])
		case "M", "S":
			lines = append(lines, fields[1:])
		}
	}
	t.Fatalf("%s: the Java client has died or taken more than %v", command, rocketmqTimeout)
	return nil
}

// waitFor waits until a port is listened on.
func (p *javaProcess) waitFor(t *testing.T, port int) {
	t.Helper()
	eventually(t, fmt.Sprintf("a Java process listens on port %d", port), func() bool {
		select {
		case <-p.exited:
			t.Fatal("the Java process ended at once")
		default:
		}
		c, err := net.DialTimeout("tcp", fmt.Sprint("127.0.0.1:", port), time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// freePorts finds a port with its neighbours, which a broker takes as well, unused. It looks below the range in which connections
// get theirs, where the next one could be taken at any moment.
func freePorts(t *testing.T, below, above int) int {
	t.Helper()
next:
	for range 1000 {
		port := 20_000 + rand.IntN(12_000)
		for p := port - below; p <= port+above; p++ {
			l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", p))
			if err != nil {
				continue next
			}
			l.Close()
		}
		return port
	}
	t.Fatal("no free ports")
	return 0
}
