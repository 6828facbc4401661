// A fault proxy between operators and the API server, which speaks HTTP/2 and
// TLS as the server does, with a certificate of its own that nobody vouches
// for. Each operator has a lane: a port of its own, a log of its writes, and
// faults.
//
// Tests control it over HTTP, with the lane's name as the query `lane`:
//
//	POST /new     makes a lane, and answers with its port
//	POST /end     closes it
//	POST /set     {"pid": N, "faults": [...]} replaces what is given
//	POST /cut     ends all watches
//	GET  /writes  how many writes there were, and how many of them wait
//	GET  /log     every write, and every fault that happened
package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
)

func main() {
	upstream := flag.String("upstream", "", "`host:port` of the API server")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	certificate, err := newCertificate()
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, &control{upstream: *upstream, certificate: certificate, lanes: map[string]*lane{}}))
}

type control struct {
	upstream    string
	certificate tls.Certificate
	mu          sync.Mutex
	lanes       map[string]*lane
}

func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := r.URL.Query().Get("lane")
	if r.URL.Path == "/new" {
		l, port, err := newLane(c.upstream, c.certificate)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		c.lanes[name] = l
		fmt.Fprint(w, port)
		return
	}
	l := c.lanes[name]
	if l == nil {
		http.Error(w, "no such lane", http.StatusNotFound)
		return
	}
	switch r.URL.Path {
	case "/end":
		l.server.Close()
		delete(c.lanes, name)
	case "/set":
		var settings struct {
			Pid    *int     `json:"pid"`
			Faults *[]fault `json:"faults"`
		}
		if err := json.NewDecoder(r.Body).Decode(&settings); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		l.set(settings.Pid, settings.Faults)
	case "/cut":
		l.cut()
	case "/writes":
		writes, waiting := l.countWrites()
		fmt.Fprintln(w, writes, waiting)
	case "/log":
		json.NewEncoder(w).Encode(l.report())
	default:
		http.NotFound(w, r)
	}
}
