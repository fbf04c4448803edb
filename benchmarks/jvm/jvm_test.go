package jvm

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fakeJava puts a java into the path that is this shell script.
func fakeJava(t *testing.T, script string) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "java"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

const lives = `trap 'exit 143' TERM; echo "$* $EXTRA"; while :; do sleep 0.01; done`

func TestAProgramHasStartedWhenItSaysSo(t *testing.T) {
	fakeJava(t, lives)
	j, err := (&Program{Name: "x", Args: []string{"-a", "is"}, Env: []string{"EXTRA=up"}, Ready: "is up"}).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(j.PID(), 0); err != nil {
		t.Errorf("process %d: %v", j.PID(), err)
	}
	if err := j.Stop(); err != nil {
		t.Error(err)
	}
	<-j.Exited()
	if err := syscall.Kill(j.PID(), 0); err == nil {
		t.Errorf("process %d is still there", j.PID())
	}
}

func TestAProgramThatEndsAtOnceIsQuoted(t *testing.T) {
	fakeJava(t, "echo no memory >&2; exit 1")
	if _, err := (&Program{Name: "x", Ready: "up"}).Start(t.Context()); err == nil || !strings.Contains(err.Error(), "no memory") {
		t.Errorf("%v, expected what it said", err)
	}
}

func TestAStartEndsWithItsContext(t *testing.T) {
	fakeJava(t, lives)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := (&Program{Name: "x", Ready: "never"}).Start(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestAFreePortHasFreeNeighbours(t *testing.T) {
	port, err := FreePort(2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for p := port - 2; p <= port+1; p++ {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: p})
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}
