package peer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// RocketMQ is what is needed to run its processes in a test.
type RocketMQ struct {
	// Dir is for logs, stores and the like. It goes with the test.
	Dir       string
	classPath string
	programs  string
}

// Need finds RocketMQ, or ends the test: see Missing.
func Need(t testing.TB) *RocketMQ {
	t.Helper()
	if testing.Short() && !Required() {
		Missing(t, ErrShort)
	}
	if _, err := exec.LookPath("java"); err != nil {
		Missing(t, err)
	}
	programs, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	cp, err := ClassPath("pom.xml")
	if err != nil {
		Missing(t, err)
	}
	return &RocketMQ{Dir: t.TempDir(), classPath: cp, programs: programs}
}

func (j *RocketMQ) command(heapMiB int, args ...string) *exec.Cmd {
	all := append([]string{
		fmt.Sprintf("-Xmx%dm", heapMiB), "-XX:MaxDirectMemorySize=256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.home=" + j.Dir,
		"-Drocketmq.broker.diskSpaceWarningLevelRatio=0.99", "-cp", j.classPath,
	}, args...)
	cmd := exec.Command("java", all...)
	cmd.Env = append(os.Environ(), "ROCKETMQ_HOME="+j.Dir)
	return cmd
}

// Namesrv starts a name server and returns its address.
func (j *RocketMQ) Namesrv(t testing.TB) string {
	t.Helper()
	port := FreePorts(t, 0, 0)
	p := j.Start(t, 128, "org.apache.rocketmq.namesrv.NamesrvStartup", "-c", j.file(t, "namesrv.conf", fmt.Sprint("listenPort=", port)))
	p.waitFor(t, port)
	return fmt.Sprint("127.0.0.1:", port)
}

// smallStore are keys for a store that costs a test little.
var smallStore = []string{"mappedFileSizeCommitLog=1048576", "mappedFileSizeConsumeQueue=20000", "maxHashSlotNum=500", "maxIndexNum=2000", "mappedFileSizeTimerLog=1048576"}

// Broker starts a broker with a small store and further lines of configuration, and returns its address.
func (j *RocketMQ) Broker(t testing.TB, name, namesrv string, lines ...string) (*Process, string) {
	t.Helper()
	port := FreePorts(t, 2, 1)
	return j.BrokerAt(t, port, name, namesrv, append(slices.Clone(smallStore), lines...)...), fmt.Sprint("127.0.0.1:", port)
}

// BrokerAt starts a broker on a port, with further lines of configuration.
func (j *RocketMQ) BrokerAt(t testing.TB, port int, name, namesrv string, lines ...string) *Process {
	t.Helper()
	all := append([]string{ // later lines win
		"brokerClusterName=DefaultCluster", "brokerName=" + name, "brokerId=0", "brokerIP1=127.0.0.1", fmt.Sprint("listenPort=", port),
		"namesrvAddr=" + namesrv, "storePathRootDir=" + filepath.Join(j.Dir, name), "diskMaxUsedSpaceRatio=95",
	}, lines...)
	p := j.Start(t, 512, "org.apache.rocketmq.broker.BrokerStartup", "-c", j.file(t, name+".conf", all...))
	p.waitFor(t, port)
	return p
}

// Client starts the client whose commands Ask gives.
func (j *RocketMQ) Client(t testing.TB, namesrv string) *Process {
	t.Helper()
	return j.Start(t, 256, filepath.Join(j.programs, "Interop.java"), namesrv)
}

// Admin runs a command of mqadmin and returns what it prints.
func (j *RocketMQ) Admin(t testing.TB, namesrv string, args ...string) string {
	t.Helper()
	cmd := j.command(128, append([]string{"org.apache.rocketmq.tools.command.MQAdminStartup", args[0], "-n", namesrv}, args[1:]...)...)
	watch := time.AfterFunc(Patience, func() { _ = cmd.Process.Kill() })
	defer watch.Stop()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("mqadmin %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// file writes a configuration file.
func (j *RocketMQ) file(t testing.TB, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(j.Dir, name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
