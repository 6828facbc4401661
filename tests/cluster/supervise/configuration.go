package main

import (
	"crypto/rand"
	_ "embed"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

const (
	// Of the range for benchmarks (RFC 2544), which no network should use.
	serviceRange = "198.18.128.0/17"
	apiServiceIP = "198.18.128.1"

	standInNode = "stand-in"
)

//go:embed audit-policy.yaml
var auditPolicy []byte

func (c *cluster) pki(name string) string { return c.folder.path("pki", name) }

func (c *cluster) etcdFlags() []string {
	return []string{
		"--name=cluster",
		"--data-dir=" + c.folder.path("etcd"),
		"--unsafe-no-fsync", // nobody needs the data after a power cut
		"--listen-client-urls=https://" + c.etcd,
		"--advertise-client-urls=https://" + c.etcd,
		"--listen-peer-urls=http://" + c.peer,
		"--initial-advertise-peer-urls=http://" + c.peer,
		"--initial-cluster=cluster=http://" + c.peer,
		"--cert-file=" + c.pki("server.crt"),
		"--key-file=" + c.pki("server.key"),
		"--trusted-ca-file=" + c.pki("ca.crt"),
		"--client-cert-auth",
		"--heartbeat-interval=10", // no other member to wait for
		"--election-timeout=100",
	}
}

func (c *cluster) apiServerFlags() []string {
	host, port, _ := net.SplitHostPort(c.api)
	flags := []string{
		"--etcd-servers=https://" + c.etcd,
		"--etcd-prefix=/" + rand.Text(),
		"--etcd-cafile=" + c.pki("ca.crt"),
		"--etcd-certfile=" + c.pki("server.crt"),
		"--etcd-keyfile=" + c.pki("server.key"),
		"--bind-address=" + host,
		"--advertise-address=" + host,
		"--secure-port=" + port,
		"--cert-dir=" + c.pki(""),
		"--tls-cert-file=" + c.pki("server.crt"),
		"--tls-private-key-file=" + c.pki("server.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.pki("sa.key"),
		"--service-account-signing-key-file=" + c.pki("sa.key"),
		"--service-cluster-ip-range=" + serviceRange,
		"--token-auth-file=" + c.pki("tokens.csv"),
		"--authorization-mode=RBAC",
		"--allow-privileged", // as nearly all clusters do; Pod Security decides
		"--max-requests-inflight=1000",
		"--max-mutating-requests-inflight=500",
		"--audit-policy-file=" + c.folder.path("audit-policy.yaml"),
		"--audit-log-path=" + c.folder.path("audit.log"),
		"--audit-log-maxsize=100000", // MB: never start a second file
	}
	if c.options.node {
		return append(flags,
			"--kubelet-certificate-authority="+c.pki("ca.crt"),
			"--kubelet-client-certificate="+c.pki("server.crt"),
			"--kubelet-client-key="+c.pki("server.key"),
			"--kubelet-preferred-address-types=InternalIP",
		)
	}
	return append(flags, "--endpoint-reconciler-type=none") // a loopback address is no endpoint
}

func (c *cluster) controllerManagerFlags() []string {
	flags := []string{
		"--kubeconfig=" + c.kubeconfig(),
		"--kube-api-qps=" + strconv.Itoa(c.options.qps),
		"--kube-api-burst=" + strconv.Itoa(2*c.options.qps),
		"--service-account-private-key-file=" + c.pki("sa.key"),
		"--root-ca-file=" + c.pki("ca.crt"),
		"--use-service-account-credentials",
		"--leader-elect=false",
		"--flex-volume-plugin-dir=" + c.folder.path("volume-plugins"), // it makes this folder
		"--secure-port=0",                                             // else it listens on all interfaces
	}
	if c.options.node {
		return flags
	}
	// It would taint the stand-in's Node for want of heartbeats.
	return append(flags, "--controllers=*,-node-lifecycle-controller")
}

func (c *cluster) standInFlags() []string {
	return []string{"--kubeconfig=" + c.kubeconfig(), "--node=" + standInNode}
}

// hosts is where names are written for the node's DNS, as in /etc/hosts.
func (c *cluster) hosts() string { return c.folder.path("hosts") }

func (c *cluster) kubeconfig() string { return c.folder.path("admin.kubeconfig") }

// environment is what a cluster's user needs besides PATH.
func (c *cluster) environment() map[string]string {
	variables := map[string]string{
		"DUO_CLUSTER_DIR": c.folder.dir,
		"KUBECONFIG":      c.kubeconfig(),
		// Not in the user's home: another cluster may soon have the same address.
		"KUBECACHEDIR": c.folder.path("kubectl-cache"),
	}
	if c.options.node {
		variables["DUO_NODE_ADDRESS"] = nodeAddress
		variables["DUO_NODE_HOSTS"] = c.hosts()
	}
	return variables
}

func (c *cluster) writeFiles(ca []byte) error {
	env := "export PATH=" + quote(programs) + `:"$PATH"` + "\n"
	for name, value := range c.environment() {
		env += "export " + name + "=" + quote(value) + "\n"
	}
	// ../cluster makes other users' out of it: the token has to stay last.
	kubeconfig := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: cluster
  cluster:
    server: https://%s
    certificate-authority-data: %s
contexts:
- name: cluster
  context:
    cluster: cluster
    namespace: default
    user: user
current-context: cluster
users:
- name: user
  user:
    token: %s
`, c.api, base64.StdEncoding.EncodeToString(ca), c.token)

	for file, content := range map[string]string{
		c.kubeconfig():                     kubeconfig,
		c.folder.path("env"):               env,
		c.folder.path("audit-policy.yaml"): string(auditPolicy),
		c.pki("tokens.csv"):                c.token + ",admin,admin,system:masters\n",
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// quote quotes for a shell.
func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
