package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// A fault is one thing that goes wrong, Times times in a row.
type fault struct {
	// What it happens to: the At-th "write", "list", "watch" or "event" that
	// contains Match in its "METHOD path?query"; "any": every request, as long
	// as the fault is set.
	On    string `json:"on"`
	At    int    `json:"at"`
	Match string `json:"match"`
	Times int    `json:"times"` // 0 is 1

	// What happens, see lane.ServeHTTP and lane.stream.
	Do      string  `json:"do"`
	Code    int     `json:"code"`    // of "status"
	Seconds float64 `json:"seconds"` // of "delay", "term", "hang" and "delay-stream"

	seen, fired int
}

// count tells whether it can happen to this, and counts how often that was so.
func (f *fault) count(on, line string) bool {
	if f.On != on && (f.On != "any" || on == "event") || !strings.Contains(line, f.Match) {
		return false
	}
	f.seen++
	return true
}

// matches counts what it is asked about, and tells whether it happens now.
func (f *fault) matches(on, line string) bool {
	if !f.count(on, line) {
		return false
	}
	if f.On != "any" && (f.seen < f.At || f.seen >= f.At+max(f.Times, 1)) {
		return false
	}
	f.fired++
	return true
}

// String is what the log says of it.
func (f *fault) String() string {
	if f.Do == "status" {
		return fmt.Sprint(f.Do, " ", f.Code)
	}
	return f.Do
}

var reasons = map[int]string{
	http.StatusUnauthorized:        "Unauthorized",
	http.StatusForbidden:           "Forbidden",
	http.StatusConflict:            "Conflict",
	http.StatusGone:                "Expired",
	http.StatusUnprocessableEntity: "Invalid",
	http.StatusTooManyRequests:     "TooManyRequests",
	http.StatusInternalServerError: "InternalError",
	http.StatusServiceUnavailable:  "ServiceUnavailable",
}

// sendStatus answers in the API server's place.
func sendStatus(w http.ResponseWriter, code int) {
	w.Header().Set("Content-Type", "application/json")
	if code == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(code)
	fmt.Fprintln(w, status(code, "injected fault"))
}

// sendExpired ends a watch as the API server does when it no longer has the
// revision that the watch began at.
func sendExpired(w http.ResponseWriter) {
	fmt.Fprintf(w, "{\"type\":\"ERROR\",\"object\":%s}\n", status(http.StatusGone, "too old resource version"))
}

func status(code int, message string) string {
	return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%q,"reason":%q,"code":%d}`,
		message, reasons[code], code)
}

// reset closes the connection so that the client sees "connection reset". By
// HTTP/2 that ends every request on it.
func reset(r *http.Request) {
	if connection, ok := r.Context().Value(connectionKey{}).(*tls.Conn); ok {
		if tcp, ok := connection.NetConn().(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		connection.NetConn().Close()
	}
	abort()
}

// abort ends one answer in the middle: by HTTP/2 the other requests go on.
func abort() {
	panic(http.ErrAbortHandler)
}

// connectionKey is where a request's context has its connection.
type connectionKey struct{}
