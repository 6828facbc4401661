package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	templates "text/template"
	"time"

	"golang.org/x/sys/unix"
)

// A node is the machine's, not a folder's: there can be one at a time, because
// two kubelets would take each other's cgroups, and two nodes have one address.
const (
	nodeDir     = "/var/lib/duo-node"
	nodeLock    = nodeDir + "/lock"
	nodeState   = nodeDir + "/state" // gone with the node
	nodeKept    = nodeDir + "/kept"  // images
	nodeSocket  = nodeState + "/containerd.sock"
	nodeName    = "node"
	nodeBridge  = "duo0"
	nodeNetwork = "duo"
	nodeAddress = "198.18.0.1" // the bridge's; of the range for benchmarks, like the Services'
	nodeAPI     = nodeAddress + ":6443"
	podRange    = "198.18.0.0/24"
)

//go:embed node
var nodeFiles embed.FS

// claimNode takes the machine's one node and removes what a killed one has left.
func claimNode(dir string) (*os.File, error) {
	if err := os.MkdirAll(nodeDir, 0o700); err != nil {
		return nil, err
	}
	lock, err := lockNode(grace)
	if errors.Is(err, unix.EWOULDBLOCK) {
		owner, _ := os.ReadFile(nodeLock)
		return nil, fmt.Errorf("a node is running on this machine (in %s); there can be only one", owner)
	}
	if err != nil {
		return nil, err
	}
	if err := lock.Truncate(0); err != nil {
		return nil, err
	}
	if _, err := lock.WriteAt([]byte(dir), 0); err != nil {
		return nil, err
	}
	if other := foreignKubelet(); other != "" {
		return nil, fmt.Errorf("another Kubernetes runs on this machine (%s): a second kubelet would take away its Pods", other)
	}
	if err := sweep(); err != nil {
		return nil, fmt.Errorf("cleaning up after an earlier node: %w", err)
	}
	for _, dir := range []string{nodeKept, filepath.Join(nodeState, "cni")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	return lock, nil
}

// sweepAfter cleans up after a node, unless the next one has done so.
func sweepAfter() error {
	lock, err := lockNode(time.Second)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	return sweep()
}

// lockNode waits a while: a node that has just been killed is gone in a moment.
func lockNode(patience time.Duration) (*os.File, error) {
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		lock, err := acquire(nodeLock, os.O_CREATE, unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || time.Since(begin) > patience {
			return lock, err
		}
	}
}

// foreignKubelet names a kubelet that is not from here, if there is one.
func foreignKubelet() string {
	for _, p := range runningProcesses() {
		if slices.Contains([]string{"kubelet", "kubelite", "k3s-server", "k3s-agent"}, p.name) && !p.ours() {
			return fmt.Sprintf("%s, process %d", p.name, p.pid)
		}
	}
	return ""
}

// startNode makes the control plane's machine its one node.
func (c *cluster) startNode(ctx context.Context) error {
	if err := c.writeNodeFiles(); err != nil {
		return err
	}
	for _, p := range c.nodePrograms(ctx) {
		if err := c.add(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) nodePrograms(ctx context.Context) []program {
	state := func(name string) string { return filepath.Join(nodeState, name) }
	return []program{
		{
			name:  "containerd",
			flags: []string{"--config=" + state("containerd.toml")},
			// The shims that it starts outlive it, and must not hold a lock.
			withoutLocks: true,
			ready: func() error {
				if err := removeContainers(); err != nil { // a killed node's
					return err
				}
				pause, err := find("pause.tar")
				if err != nil {
					return err
				}
				return importImage(pause)
			},
		},
		{
			name:  "kube-scheduler",
			flags: []string{"--kubeconfig=" + c.kubeconfig(), "--leader-elect=false", "--secure-port=0"},
			ready: func() error { return nil },
		},
		{
			name: "kubelet",
			flags: []string{
				"--config=" + state("kubelet.yaml"),
				"--kubeconfig=" + c.kubeconfig(),
				"--root-dir=" + state("kubelet"),
				"--cert-dir=" + state("kubelet-pki"),
				"--hostname-override=" + nodeName,
				"--node-ip=" + nodeAddress,
			},
			ready:   func() error { return c.nodeReady(ctx, nodeName) },
			stopped: removeContainers,
		},
		{
			name:  "kube-proxy",
			flags: []string{"--config=" + state("kube-proxy.yaml")},
			ready: func() error { return c.get(ctx, "https://"+apiServiceIP+"/readyz", nil) },
		},
		{
			name:  "dns",
			flags: []string{"-conf", state("Corefile")},
			ready: func() error { return resolves(ctx, "kubernetes.default.svc.cluster.local.", apiServiceIP) },
		},
	}
}

// makeBridge makes the network of node and Pods, which nothing else can reach.
func makeBridge() error {
	if err := keepForwarding(); err != nil {
		return err
	}
	for _, arguments := range []string{
		// Replies between two Pods on the bridge, too, have to pass kube-proxy's rules.
		"link add " + nodeBridge + " type bridge nf_call_iptables 1",
		"addr add " + nodeAddress + "/24 dev " + nodeBridge,
		"link set " + nodeBridge + " up",
		// A Service that doesn't exist must not be looked for elsewhere.
		"route replace " + serviceRange + " dev " + nodeBridge + " src " + nodeAddress,
	} {
		if _, err := command("ip", strings.Fields(arguments)...); err != nil {
			return err
		}
	}
	return os.WriteFile(forwarding, []byte("1"), 0)
}

// writeNodeFiles writes the programs' configuration.
func (c *cluster) writeNodeFiles() error {
	values := map[string]any{
		"State": nodeState, "Kept": nodeKept, "Socket": nodeSocket,
		"Name": nodeName, "Bridge": nodeBridge, "Network": nodeNetwork,
		"Address": nodeAddress, "PodRange": podRange, "ServiceRange": serviceRange,
		"CA": c.pki("ca.crt"), "Certificate": c.pki("server.crt"), "Key": c.pki("server.key"),
		"Kubeconfig": c.kubeconfig(), "Hosts": c.hosts(), "QPS": c.options.qps,
	}
	files, err := templates.ParseFS(nodeFiles, "node/*")
	if err != nil {
		return err
	}
	for _, file := range files.Templates() {
		var content bytes.Buffer
		if err := file.Execute(&content, values); err != nil {
			return err
		}
		path := filepath.Join(nodeState, file.Name())
		if strings.HasSuffix(path, ".conflist") {
			path = filepath.Join(nodeState, "cni", file.Name())
		}
		if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
			return err
		}
	}
	for _, file := range []string{c.hosts(), filepath.Join(nodeState, "resolv.conf")} {
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// resolves tells whether the node's DNS knows a name.
func resolves(ctx context.Context, name, address string) error {
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(nodeAddress, "53"))
	}}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	found, err := resolver.LookupHost(ctx, name)
	if err == nil && !slices.Contains(found, address) {
		err = fmt.Errorf("%s is %v", name, found)
	}
	return err
}

// command runs one of the system's commands to its end.
func command(name string, arguments ...string) (string, error) {
	var output, errors bytes.Buffer
	c := exec.Command(name, arguments...)
	c.Stdout, c.Stderr = &output, &errors
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(arguments, " "), err, strings.TrimSpace(errors.String()))
	}
	return output.String(), nil
}
