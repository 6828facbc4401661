package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"
)

const startTimeout = 3 * time.Minute

var errTimeout = fmt.Errorf("not ready after %v", startTimeout)

// cluster is a control plane; ctx ends, with the reason, when it has to stop:
// because somebody asks for it, or because one of its processes has ended.
type cluster struct {
	ctx       context.Context
	died      context.CancelCauseFunc
	folder    *folder
	options   options
	processes []*process
	client    *http.Client
	token     string // the administrator's
	etcd, api string // addresses
	peer      string // where etcd would listen to other members
}

// start starts a control plane and waits until it is ready. What is returned
// beside an error has to be stopped, too.
func start(ctx context.Context, folder *folder, o options) (*cluster, error) {
	pki, err := makePKI(folder)
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{
			RootCAs: pki.pool, Certificates: []tls.Certificate{pki.own},
		}},
		Timeout: 5 * time.Second,
	}
	for attempt := 1; ; attempt++ {
		c := &cluster{folder: folder, options: o, client: client, token: rand.Text()}
		c.ctx, c.died = context.WithCancelCause(ctx)
		err := c.start(pki)
		if err == nil || !lostPort(err) || o.node || attempt == 5 {
			return c, err
		}
		c.stop()
		if err := folder.remove([]string{"etcd"}); err != nil {
			return nil, err
		}
	}
}

func (c *cluster) start(pki *pki) error {
	addresses, err := freeAddresses(3)
	if err != nil {
		return err
	}
	c.etcd, c.peer, c.api = addresses[0], addresses[1], addresses[2]
	if c.options.node {
		if err := makeBridge(); err != nil {
			return err
		}
		c.api = nodeAPI
	}
	if err := c.writeFiles(pki.ca); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(c.ctx, startTimeout, errTimeout)
	defer cancel()

	// Each is ready when it does what the next one needs.
	if err := c.add(ctx, program{name: "etcd", flags: c.etcdFlags(), ready: func() error {
		return c.get(ctx, "https://"+c.etcd+"/health", nil)
	}}); err != nil {
		return err
	}
	if err := c.add(ctx, program{name: "kube-apiserver", flags: c.apiServerFlags(), ready: func() error {
		return c.get(ctx, "https://"+c.api+"/readyz", nil)
	}}); err != nil {
		return err
	}
	if err := c.add(ctx, program{name: "kube-controller-manager", flags: c.controllerManagerFlags(), ready: func() error {
		// Without it, Pods are refused.
		return c.get(ctx, "https://"+c.api+"/api/v1/namespaces/default/serviceaccounts/default", nil)
	}}); err != nil {
		return err
	}
	if c.options.node {
		return c.startNode(ctx)
	}
	if c.options.noStandIn {
		return nil
	}
	return c.add(ctx, program{name: "stand-in", flags: c.standInFlags(), ready: func() error {
		return c.nodeReady(ctx, standInNode)
	}})
}

// nodeReady tells whether a Node takes Pods. A DaemonSet finds no Node suitable
// before, and "rolls out" at once.
func (c *cluster) nodeReady(ctx context.Context, name string) error {
	var node struct {
		Spec   struct{ Taints []any }
		Status struct {
			Conditions []struct{ Type, Status string }
		}
	}
	if err := c.get(ctx, "https://"+c.api+"/api/v1/nodes/"+name, &node); err != nil {
		return err
	}
	if len(node.Spec.Taints) > 0 {
		return fmt.Errorf("the Node is tainted: %v", node.Spec.Taints)
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == "Ready" && condition.Status == "True" {
			return nil
		}
	}
	return fmt.Errorf("the Node is not ready: %v", node.Status.Conditions)
}

// add starts one process more and waits until it is ready.
func (c *cluster) add(ctx context.Context, program program) error {
	p, err := spawn(c.folder, c.died, program)
	if err != nil {
		return err
	}
	c.processes = append(c.processes, p)
	for {
		err := p.ready()
		if ctx.Err() != nil {
			// Something has ended, maybe another one: then it wasn't *ours* that answered.
			if cause := context.Cause(ctx); cause != errTimeout {
				return cause
			}
			return &failure{p.name, p.log, fmt.Sprintf("is %v: %v", errTimeout, err)}
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop ends all processes, the last one first.
func (c *cluster) stop() {
	for _, p := range slices.Backward(c.processes) {
		p.stop()
	}
	c.processes = nil
}

func (c *cluster) get(ctx context.Context, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// freeAddresses finds loopback ports that are free now; if somebody else takes
// one before it is used, we start again.
func freeAddresses(count int) ([]string, error) {
	var addresses []string
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}
