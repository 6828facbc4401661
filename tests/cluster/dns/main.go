// CoreDNS with the plugins that a node's Pods need, and no others. A module of
// its own: it wants other versions of Kubernetes' libraries than ../go.mod.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/template"
)

func main() {
	// Also the order in which they are asked.
	dnsserver.Directives = []string{"bind", "errors", "hosts", "kubernetes", "template"}
	coremain.Run()
}
