// Package ext stands for Traefik's own module of this name. It is empty there, too, and no proxy serves it: it is in
// a folder of Traefik's repository that Traefik's published module leaves out.
package ext

// HTTP extends the configuration of HTTP by nothing.
type HTTP struct{}

// Router extends a router by nothing.
type Router struct{}
