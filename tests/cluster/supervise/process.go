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

type process struct {
	name, log string
	command   *exec.Cmd
	ended     chan struct{}
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
func spawn(folder *folder, died context.CancelCauseFunc, name string, arguments ...string) (*process, error) {
	program, err := find(name)
	if err != nil {
		return nil, err
	}
	p := &process{name: name, log: folder.path("logs", name+".log"), ended: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.command = exec.Command(program, arguments...)
	p.command.Dir = folder.dir
	p.command.Stdout, p.command.Stderr = log, log
	// Inherited, the folder's lock is held until the last process is gone.
	p.command.ExtraFiles = []*os.File{folder.lock}
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
		died(&failure{name, p.log, fmt.Sprintf("ended (%v)", p.command.ProcessState)})
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
}

func find(name string) (string, error) {
	for _, dir := range filepath.SplitList(programs) {
		if program, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return program, nil
		}
	}
	return "", fmt.Errorf("no %s in %s", name, programs)
}
