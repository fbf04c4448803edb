//go:build unix

package vfs_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gantry-mq/gantry/commitlog/vfs"
)

// The test binary runs itself with these set: a second process that takes the lock its way, says how that went, and
// holds it until its standard input ends.
const (
	lockHelperEnv = "VFS_TEST_LOCK"
	lockKindEnv   = "VFS_TEST_LOCK_KIND" // "vfs", or "posix" as a JVM's FileChannel.tryLock(0, 1, false) does
)

func lockHelper(name string) {
	fmt.Println(takeLock(name))
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func takeLock(name string) string {
	if os.Getenv(lockKindEnv) == "posix" {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return err.Error()
		}
		err = unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Len: 1})
		switch err {
		case nil:
			return "held"
		case unix.EAGAIN, unix.EACCES:
			return "locked"
		}
		return err.Error()
	}
	_, err := vfs.OS().Lock(name, []byte("child"))
	switch {
	case err == nil:
		return "held"
	case errors.Is(err, vfs.ErrLocked):
		return "locked"
	}
	return err.Error()
}

// lockElsewhere has another process take the lock; release ends that process.
func lockElsewhere(t *testing.T, kind, name string) (result string, release func()) {
	t.Helper()
	exe, err := os.Executable()
	ok(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), lockHelperEnv+"="+name, lockKindEnv+"="+kind)
	in, err := cmd.StdinPipe()
	ok(t, err)
	out, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	ok(t, err)
	release = func() {
		in.Close()
		cmd.Wait()
	}
	t.Cleanup(release)
	return strings.TrimSpace(line), release
}

func TestLockExcludesOtherProcesses(t *testing.T) {
	for _, kind := range []string{"vfs", "posix"} {
		t.Run(kind, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "lock")
			l, err := vfs.OS().Lock(name, []byte("lock"))
			ok(t, err)
			if got, _ := lockElsewhere(t, kind, name); got != "locked" {
				t.Errorf("another process while we hold it: %s", got)
			}
			ok(t, l.Close())

			got, release := lockElsewhere(t, kind, name)
			if got != "held" {
				t.Fatalf("another process after we let go: %s", got)
			}
			_, err = vfs.OS().Lock(name, []byte("lock"))
			wantError(t, err, vfs.ErrLocked, name)
			release()
			l, err = vfs.OS().Lock(name, []byte("lock"))
			ok(t, err)
			ok(t, l.Close())
		})
	}
}
