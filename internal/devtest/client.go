package devtest

import (
	"crypto/tls"
	"net/http"
	"time"
)

// client trusts any certificate: those of tests are made by the server itself.
var client = &http.Client{
	Timeout: patience,
	Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: true,
		IdleConnTimeout:   time.Second,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}
