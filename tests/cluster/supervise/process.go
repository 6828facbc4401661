package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// grace is how long a process may take to end before it is killed.
const grace = 10 * time.Second

// programs is the search path for the control plane's programs.
var programs = os.Getenv("DUO_CLUSTER_PROGRAMS")

// program is one to be started, and to be waited for.
type program struct {
	name  string
	flags []string
	// It starts others that outlive it, so none of it may inherit our locks.
	withoutLocks bool
	ready        func() error
	stopped      func() error // what to do when it has, before others stop
}

type process struct {
	program
	log     string
	command *exec.Cmd
	ended   chan struct{}
}

// failure is a process that ended, or is not ready, though it should be.
type failure struct {
	name, log, what string
}

func (f *failure) Error() string { return f.name + " " + f.what }

func failedLog(err error) string {
	var failed *failure
	if errors.As(err, &failed) {
		return failed.log
	}
	return ""
}

// lostPort tells whether somebody else took a port between our looking for a
// free one and the process's listening there.
func lostPort(err error) bool {
	log, readErr := os.ReadFile(failedLog(err))
	return readErr == nil && strings.Contains(string(log), "address already in use")
}

// spawn starts a program of the control plane; died is told when it ends.
func spawn(folder *folder, died context.CancelCauseFunc, program program) (*process, error) {
	path, err := find(program.name)
	if err != nil {
		return nil, err
	}
	p := &process{program: program, log: folder.path("logs", program.name+".log"), ended: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.command = exec.Command(path, program.flags...)
	p.command.Dir = folder.dir
	p.command.Stdout, p.command.Stderr = log, log
	// Inherited, the locks are held until the last process is gone.
	if !program.withoutLocks {
		p.command.ExtraFiles = folder.locks()
	}
	p.command.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true,            // a Ctrl-C is for us; we stop the others in order
		Pdeathsig: syscall.SIGKILL, // none outlives us, even if we are killed
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.command.Wait()
		close(p.ended)
		died(&failure{p.name, p.log, fmt.Sprintf("ended (%v)", p.command.ProcessState)})
	}()
	return p, nil
}

func (p *process) stop() {
	p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(grace):
		say("%s does not end: killed", p.name)
		p.command.Process.Kill()
		<-p.ended
	}
	if p.stopped == nil {
		return
	}
	if err := p.stopped(); err != nil {
		say("after %s: %v", p.name, err)
	}
}

// find finds what was built, or what a node takes from the system.
func find(name string) (string, error) {
	for _, dir := range filepath.SplitList(programs) {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	if path, err := exec.LookPath(name); err == nil && name == "containerd" {
		return path, nil
	}
	return "", fmt.Errorf("no %s in %s", name, programs)
}
