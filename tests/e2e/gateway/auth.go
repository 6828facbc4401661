// What Traefik's fork of this module has in addition. tests/e2e/gateway/build puts it there.
package auth

import "net/http"

// CheckSecret tells whether a password is the one of an entry in a htpasswd file.
func CheckSecret(password, secret string) bool {
	authenticator := &BasicAuth{Secrets: func(string, string) string { return secret }}
	request := &http.Request{Header: http.Header{}}
	request.SetBasicAuth("user", password)
	return authenticator.CheckAuth(request) != ""
}

// RequireAuthStale asks for the credentials again. Traefik calls it for an answer of CheckAuth that only the fork
// gives.
func (a *DigestAuth) RequireAuthStale(w http.ResponseWriter, r *http.Request) {
	a.RequireAuth(w, r)
}
