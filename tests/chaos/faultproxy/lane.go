package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The operators' access has a CA and a token; both are checked elsewhere.
var transport = &http.Transport{
	TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
	MaxIdleConnsPerHost: 64,
}

// An entry of a lane's log: a write, also of a Lease, or something that a fault happened to.
type entry struct {
	Time    float64 `json:"time"`   // seconds since 1970
	Number  int     `json:"number"` // of the write, from 1; 0 for others, also of a Lease
	Method  string  `json:"method"`
	Path    string  `json:"path"`
	Manager string  `json:"manager,omitempty"` // the query's fieldManager
	Code    int     `json:"code"`              // 0: no answer was sent
	Fault   string  `json:"fault,omitempty"`
	Body    string  `json:"body,omitempty"`
}

type lane struct {
	upstream string
	server   *http.Server

	mu      sync.Mutex
	pid     int // of the operator; 0 after it was told to end
	faults  []*fault
	writes  int
	waiting int // of the writes, those without an answer
	log     []entry
	watches map[*http.Request]context.CancelFunc
	older   bool // a request came that was not by HTTP/2
}

func newLane(upstream string, certificate tls.Certificate) (*lane, int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, 0, err
	}
	l := &lane{upstream: upstream, watches: map[*http.Request]context.CancelFunc{}}
	l.server = &http.Server{
		Handler:   l,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		ErrorLog:  log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, c)
		},
	}
	go l.server.ServeTLS(listener, "", "")
	return l, listener.Addr().(*net.TCPAddr).Port, nil
}

func (l *lane) set(pid *int, faults *[]fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if pid != nil {
		l.pid = *pid
	}
	if faults != nil {
		l.faults = nil
		for _, f := range *faults {
			l.faults = append(l.faults, &f)
		}
	}
}

func (l *lane) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, cancel := range l.watches {
		cancel()
	}
}

func (l *lane) countWrites() (writes, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writes, l.waiting
}

func (l *lane) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting--
}

func (l *lane) report() map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	fired := 0
	for _, f := range l.faults {
		fired += f.fired
	}
	return map[string]any{"log": append([]entry{}, l.log...), "fired": fired, "older": l.older}
}

// take returns the fault that happens now, if one does.
func (l *lane) take(on, line string) *fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	var now *fault
	for _, f := range l.faults {
		// Each counts what it is asked about, whichever happens.
		if now == nil && f.matches(on, line) {
			now = f
		} else if now != nil {
			f.count(on, line)
		}
	}
	return now
}

func (l *lane) note(e entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log = append(l.log, e)
}

// end tells the operator to end.
func (l *lane) end(signal syscall.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pid > 1 {
		syscall.Kill(l.pid, signal)
	}
	l.pid = 0
}

// classify tells what a request is. Leases and Events come at any time, so
// that they would make the count of writes differ from run to run; what is
// written into a Lease is logged, for it tells who leads.
func classify(r *http.Request) string {
	switch {
	case strings.Contains(r.URL.Path, "/events"):
		return "other"
	case strings.Contains(r.URL.Path, "/leases"):
		if r.Method == http.MethodGet || r.URL.Query().Get("dryRun") != "" {
			return "other"
		}
		return "lease"
	case r.Method != http.MethodGet:
		return "write"
	case r.URL.Query().Get("watch") != "":
		return "watch"
	default:
		return "list"
	}
}

func (l *lane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		// The operator was killed while it sent the request: no API server acts on half of one.
		reset(r)
		return
	}
	kind, line := classify(r), r.Method+" "+r.URL.RequestURI()
	e := entry{Time: now(), Method: r.Method, Path: r.URL.Path, Manager: r.URL.Query().Get("fieldManager"), Body: string(body)}
	l.mu.Lock()
	l.older = l.older || r.ProtoMajor < 2
	if kind == "write" {
		l.writes++
		l.waiting++
		defer l.answered()
		e.Number = l.writes
	}
	l.mu.Unlock()
	f := l.take(kind, line)
	if f == nil {
		f = &fault{}
	}
	note := func(code int) {
		if kind == "write" || kind == "lease" || f.Do != "" {
			e.Code, e.Fault = code, f.String()
			l.note(e)
		}
	}

	// Faults that the API server does not see.
	switch f.Do {
	case "kill-before":
		note(0)
		l.end(syscall.SIGKILL)
		reset(r)
		return
	case "drop-before":
		note(0)
		reset(r)
		return
	case "status":
		note(f.Code)
		sendStatus(w, f.Code)
		return
	case "hang":
		note(0)
		if sleep(r.Context(), f.Seconds) {
			reset(r)
		}
		return
	case "term":
		l.end(syscall.SIGTERM)
		sleep(context.Background(), f.Seconds)
	case "delay":
		sleep(context.Background(), f.Seconds)
	}

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	answer, err := l.forward(ctx, r, body)
	if err != nil {
		note(0)
		reset(r)
		return
	}
	defer answer.Body.Close()
	switch {
	case f.Do == "kill-after" || f.Do == "drop-after":
		io.Copy(io.Discard, answer.Body)
		note(answer.StatusCode)
		if f.Do == "kill-after" {
			l.end(syscall.SIGKILL)
		}
		reset(r)
	case kind == "watch" && f.Do == "gone":
		note(answer.StatusCode)
		start(w, answer)
		sendExpired(w)
	case kind == "watch":
		l.mu.Lock()
		l.watches[r] = cancel
		l.mu.Unlock()
		defer func() {
			l.mu.Lock()
			delete(l.watches, r)
			l.mu.Unlock()
		}()
		start(w, answer)
		l.stream(w, answer.Body, r, line)
	default:
		whole, _ := io.ReadAll(answer.Body)
		note(answer.StatusCode)
		start(w, answer)
		w.Write(whole)
	}
}

func (l *lane) forward(ctx context.Context, r *http.Request, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, "https://"+l.upstream+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = r.Header.Clone()
	request.Header.Del("Accept-Encoding")
	return transport.RoundTrip(request)
}

// start passes on the head of an answer, at once: a watch may say nothing more
// for long.
func start(w http.ResponseWriter, answer *http.Response) {
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	w.(http.Flusher).Flush()
}

// stream passes on the events of a watch, one line each.
func (l *lane) stream(w http.ResponseWriter, events io.Reader, r *http.Request, line string) {
	reader := bufio.NewReaderSize(events, 1<<20)
	for {
		text, err := reader.ReadBytes('\n')
		if len(text) > 0 && !l.pass(w, text, r, line) {
			return
		}
		if err != nil {
			return
		}
	}
}

// pass hands on one event; false ends the watch.
func (l *lane) pass(w http.ResponseWriter, event []byte, r *http.Request, line string) bool {
	if f := l.take("event", line); f != nil {
		l.note(entry{Time: now(), Method: "EVENT", Path: r.URL.Path, Fault: f.String()})
		switch f.Do {
		case "gone":
			sendExpired(w)
			return false
		case "cut":
			abort()
		case "delay-stream":
			sleep(context.Background(), f.Seconds)
		}
	}
	w.Write(event)
	w.(http.Flusher).Flush()
	return true
}

// sleep tells whether all the time passed.
func sleep(ctx context.Context, seconds float64) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Duration(seconds * float64(time.Second))):
		return true
	}
}

func now() float64 {
	return float64(time.Now().UnixNano()) / 1e9
}
