// Package dns takes the place of lego's table of DNS providers: those need modules that no proxy serves, and ACME is
// not used here. tests/e2e/gateway/build puts it there.
package dns

import (
	"fmt"

	"github.com/go-acme/lego/v5/challenge"
)

// NewDNSChallengeProviderByName knows none.
func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, fmt.Errorf("no DNS provider is built in: %s", name)
}
