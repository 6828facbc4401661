package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	forwarding      = "/proc/sys/net/ipv4/ip_forward"
	savedForwarding = nodeState + "/ip_forward"
)

// sweep removes all that a node leaves on the machine, whatever has become of
// it, but for its images. It needs none of the node's programs, and does
// nothing where there is nothing.
func sweep() error {
	// Nothing may be running when its files go, and nothing be mounted where
	// files are removed: that could be somebody's hostPath.
	for _, step := range []func() error{killNode, unmountNode} {
		if err := step(); err != nil {
			return err
		}
	}
	var failed []error
	for _, step := range []func() error{
		removeNetwork, restoreForwarding, removeCgroups, removeFiles,
	} {
		failed = append(failed, step())
	}
	return errors.Join(failed...)
}

type runningProcess struct {
	pid       int
	name      string
	arguments string
}

func runningProcesses() []runningProcess {
	var all []runningProcess
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir))
		name, err := os.ReadFile(dir + "/comm")
		arguments, _ := os.ReadFile(dir + "/cmdline")
		if err != nil || len(arguments) == 0 {
			continue // it has ended, and maybe waits for its parent; or it is the kernel's
		}
		all = append(all, runningProcess{pid, strings.TrimSpace(string(name)), string(arguments)})
	}
	return all
}

// ours tells whether this is one of the node's programs.
func (p runningProcess) ours() bool {
	return strings.Contains(p.arguments, nodeState+"/") &&
		slices.Contains([]string{"containerd", "containerd-shim", "runc", "ctr", "kubelet", "kube-proxy"}, p.name)
}

// killNode kills what is left of the node's programs and its Pods' processes.
func killNode() error {
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		var left []int
		for _, p := range runningProcesses() {
			if p.ours() {
				left = append(left, p.pid)
			}
		}
		for _, dir := range cgroups() {
			pids, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
			for pid := range strings.FieldsSeq(string(pids)) {
				if pid, err := strconv.Atoi(pid); err == nil && pid > 0 {
					left = append(left, pid)
				}
			}
		}
		if len(left) == 0 {
			return nil
		}
		if time.Since(begin) > grace {
			return fmt.Errorf("processes %v of the node don't end", left)
		}
		for _, pid := range left {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// cgroups lists the kubelet's, parents first.
func cgroups() []string {
	var found []string
	for _, pattern := range []string{"/sys/fs/cgroup/kubepods", "/sys/fs/cgroup/*/kubepods"} {
		roots, _ := filepath.Glob(pattern)
		for _, root := range roots {
			filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
				if err == nil && entry.IsDir() {
					found = append(found, path)
				}
				return nil
			})
		}
	}
	return found
}

func removeCgroups() error {
	var failed []error
	for _, dir := range slices.Backward(cgroups()) {
		if err := unix.Rmdir(dir); err != nil && err != unix.ENOENT {
			failed = append(failed, fmt.Errorf("removing %s: %w", dir, err))
		}
	}
	return errors.Join(failed...)
}

func unmountNode() error {
	for _, mount := range slices.Backward(mounts()) {
		if err := unix.Unmount(mount, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			return fmt.Errorf("unmounting %s: %w", mount, err)
		}
	}
	if left := mounts(); len(left) > 0 {
		return fmt.Errorf("still mounted: %v", left)
	}
	return nil
}

// mounts lists what is mounted below the node's state, in the order of mounting.
func mounts() []string {
	var found []string
	table, _ := os.ReadFile("/proc/self/mounts")
	for line := range strings.Lines(string(table)) {
		words := strings.Fields(line)
		// A blank in a path is written \040, and so on.
		if path, err := strconv.Unquote(`"` + words[1] + `"`); err == nil && strings.HasPrefix(path, nodeState+"/") {
			found = append(found, path)
		}
	}
	return found
}

// removeNetwork removes the bridge, the Pods' ends on it, and kube-proxy's rules.
func removeNetwork() error {
	if _, err := os.Stat("/sys/class/net/" + nodeBridge); err == nil {
		links, _ := filepath.Glob("/sys/class/net/" + nodeBridge + "/brif/*")
		for _, link := range append(links, nodeBridge) {
			// A Pod's end may go by itself, with the Pod's network namespace.
			command("ip", "link", "delete", filepath.Base(link))
		}
		if _, err := os.Stat("/sys/class/net/" + nodeBridge); err == nil {
			return fmt.Errorf("the bridge %s can't be removed", nodeBridge)
		}
	}
	tables, err := command("nft", "list", "tables")
	if err != nil {
		return err
	}
	for line := range strings.Lines(tables) {
		if words := strings.Fields(line); len(words) == 3 && words[2] == "kube-proxy" {
			if _, err := command("nft", append([]string{"delete"}, words...)...); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepForwarding remembers whether the machine forwards packets, which a node has to.
func keepForwarding() error {
	value, err := os.ReadFile(forwarding)
	if err != nil {
		return err
	}
	return os.WriteFile(savedForwarding, value, 0o600)
}

func restoreForwarding() error {
	value, err := os.ReadFile(savedForwarding)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(forwarding, value, 0)
}

func removeFiles() error {
	// Outside of the node's folder: what its programs don't let us place.
	shims, _ := filepath.Glob(nodeState + "/containerd/io.containerd.runtime.v2.task/*/*/address")
	for _, shim := range shims {
		address, _ := os.ReadFile(shim)
		if socket, ok := strings.CutPrefix(string(address), "unix:///run/containerd/s/"); ok {
			os.Remove("/run/containerd/s/" + filepath.Base(socket))
		}
	}
	pods, _ := filepath.Glob("/var/lib/cni/results/" + nodeNetwork + "-*-eth0")
	for _, pod := range pods {
		id := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(pod), nodeNetwork+"-"), "-eth0")
		os.Remove("/var/lib/cni/results/cni-loopback-" + id + "-lo")
		os.Remove(pod)
	}
	logs, _ := filepath.Glob("/var/log/containers/*")
	for _, log := range logs {
		if target, err := os.Readlink(log); err == nil && strings.HasPrefix(target, nodeState+"/") {
			os.Remove(log)
		}
	}
	os.Remove("/var/lib/kubelet/device-plugins/kubelet.sock")
	for _, dir := range []string{
		"/run/containerd/s", "/run/containerd", "/var/lib/cni/results", "/var/lib/cni",
		"/var/lib/kubelet/device-plugins", "/var/lib/kubelet", "/var/log/containers", "/run/netns",
	} {
		os.Remove(dir) // if it is empty
	}
	return os.RemoveAll(nodeState)
}
