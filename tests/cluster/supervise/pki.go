package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"
)

// A cluster has its own CA and one certificate, which API server and etcd show
// to their clients, and the API server to etcd. So a cluster can't take
// another's etcd, or API server, for its own.
type pki struct {
	ca   []byte // PEM
	pool *x509.CertPool
	own  tls.Certificate
}

// makePKI writes ca.crt, server.crt, server.key and, for the signatures of
// ServiceAccounts' tokens, sa.key into a folder.
func makePKI(folder *folder) (*pki, error) {
	caKey, err := newKey()
	if err != nil {
		return nil, err
	}
	serverKey, err := newKey()
	if err != nil {
		return nil, err
	}
	accountsKey, err := newKey()
	if err != nil {
		return nil, err
	}

	ca := template("cluster-ca")
	ca.IsCA, ca.BasicConstraintsValid = true, true
	ca.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	caCert, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, err
	}
	server := template("cluster")
	server.KeyUsage = x509.KeyUsageDigitalSignature
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(apiServiceIP), net.ParseIP(nodeAddress)}
	server.DNSNames = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
	serverCert, err := x509.CreateCertificate(rand.Reader, server, ca, serverKey.Public(), caKey)
	if err != nil {
		return nil, err
	}

	p := &pki{ca: certificatePEM(caCert), pool: x509.NewCertPool()}
	p.pool.AppendCertsFromPEM(p.ca)
	p.own = tls.Certificate{Certificate: [][]byte{serverCert}, PrivateKey: serverKey}
	files := map[string][]byte{"ca.crt": p.ca, "server.crt": certificatePEM(serverCert)}
	for name, key := range map[string]*ecdsa.PrivateKey{"server.key": serverKey, "sa.key": accountsKey} {
		der, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			return nil, err
		}
		files[name] = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	}
	for name, content := range files {
		if err := os.WriteFile(folder.path("pki", name), content, 0o600); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func template(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(1, 0, 0),
	}
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
