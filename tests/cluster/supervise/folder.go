package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What a cluster makes in its folder; anything else there is its user's.
// The lock comes last: while it is there, the rest is known to be a cluster's.
var owned = []string{
	"admin.kubeconfig", "env", "audit.log", "audit-policy.yaml",
	"etcd", "pki", "logs", "hosts", "kubectl-cache", "volume-plugins", "lock",
}

// folder is one that we hold the lock of. All our processes inherit the lock,
// so it is free only when the last of them is gone.
type folder struct {
	dir     string
	lock    *os.File
	node    *os.File // the machine's node's lock, if we have it
	janitor *exec.Cmd
}

func (f *folder) path(names ...string) string {
	return filepath.Join(append([]string{f.dir}, names...)...)
}

// claim makes the folder ours, and empty of what a kept cluster has left there.
// Unless it is to be kept, it will be emptied in the end, and removed if temporary.
func claim(dir string, temporary bool, o options) (*folder, error) {
	f := &folder{dir: dir}
	made, err := f.take()
	// A cluster that has just been killed is gone in a moment, its folder maybe, too.
	for begin := time.Now(); errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist); made, err = f.take() {
		if time.Since(begin) > grace {
			return nil, fmt.Errorf("a cluster is running in %s", dir)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		return nil, err
	}
	if err := f.remove(owned[:len(owned)-1]); err != nil {
		return nil, err
	}
	for _, name := range []string{"pki", "logs"} {
		if err := os.Mkdir(f.path(name), 0o700); err != nil {
			return nil, err
		}
	}
	switch {
	case o.keep && !o.node:
		return f, nil
	case o.keep:
		return f, f.startJanitor("nothing", o.node)
	case temporary || made:
		return f, f.startJanitor("folder", o.node)
	}
	return f, f.startJanitor("contents", o.node)
}

// take makes and locks the folder, and tells whether it wasn't there before.
func (f *folder) take() (made bool, err error) {
	_, err = os.Lstat(f.dir)
	made = errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return made, err
	}
	if _, err := os.Lstat(f.path("lock")); errors.Is(err, fs.ErrNotExist) {
		for _, name := range owned {
			if _, err := os.Lstat(f.path(name)); err == nil {
				return made, fmt.Errorf("%s is in the way, and no cluster's", f.path(name))
			}
		}
	}
	f.lock, err = acquire(f.path("lock"), os.O_CREATE, unix.LOCK_EX|unix.LOCK_NB)
	return made, err
}

func (f *folder) locks() []*os.File {
	if f.node == nil {
		return []*os.File{f.lock}
	}
	return []*os.File{f.lock, f.node}
}

func (f *folder) remove(names []string) error {
	for _, name := range names {
		if err := os.RemoveAll(f.path(name)); err != nil {
			return err
		}
	}
	return nil
}

// startJanitor starts the process that waits for the end of the cluster,
// however it comes, and then cleans up: one of its own, so that this happens
// even if we are killed.
func (f *folder) startJanitor(what string, node bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	f.janitor = exec.Command(self, "janitor", f.dir, what, map[bool]string{true: "node"}[node])
	f.janitor.Dir = "/"
	if node {
		f.janitor.Stderr = os.Stderr // there is more that it may fail to remove
	}
	f.janitor.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return f.janitor.Start()
}

func janitor(dir, what string, node bool) error {
	f := &folder{dir: dir}
	lock, err := acquire(f.path("lock"), 0, unix.LOCK_EX)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var swept error
	if node {
		swept = sweepAfter()
	}
	if lock == nil || what == "nothing" {
		return swept
	}
	if err := f.remove(owned); err != nil {
		return errors.Join(swept, err)
	}
	if what == "folder" {
		os.Remove(dir) // not if its user has put something there
	}
	return swept
}

// release gives the folder back, after the last process has ended.
func (f *folder) release() error {
	f.node.Close()
	f.lock.Close()
	if f.janitor == nil {
		return nil
	}
	if err := f.janitor.Wait(); err != nil {
		return fmt.Errorf("cleaning up %s: %w", f.dir, err)
	}
	return nil
}

// acquire opens and locks a file that whoever held it before may have removed.
func acquire(path string, flags, how int) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|flags, 0o600)
		if err != nil {
			return nil, err
		}
		err = unix.Flock(int(file.Fd()), how)
		if err == nil {
			var held, named fs.FileInfo
			held, err = file.Stat()
			if named, _ = os.Stat(path); err == nil && named != nil && os.SameFile(held, named) {
				return file, nil
			}
		}
		file.Close()
		if err != nil && !errors.Is(err, unix.EINTR) {
			return nil, err
		}
	}
}
