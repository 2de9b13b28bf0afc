package devtest

import (
	"crypto/tls"
	"net/http"
	"time"
)

// client trusts any certificate, since the server makes its own certificates in tests.
var client = &http.Client{
	Timeout: waitLimit,
	Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: true,
		IdleConnTimeout:   time.Second,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}
