package server_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-b8174343/devserver/internal/devtest"
	"github.com/seed-b8174343/devserver/plugin"
	"github.com/seed-b8174343/devserver/server"
)

// TestWorkerWhoseRequestIsAborted has the browser go away while the worker compiles. The next request gets the worker.
func TestWorkerWhoseRequestIsAborted(t *testing.T) {
	t.Parallel()
	compiling, aborted, cutOff := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+"-- main.js --\n-- worker.js --\npostMessage(1);\n")), func(o *server.Options) {
		o.Plugins = []plugin.Plugin{{
			Name: "slow",
			Transform: func(ctx context.Context, a plugin.TransformArgs) (_ *plugin.TransformResult, err error) {
				if a.ID == "/worker.js" {
					once.Do(func() {
						close(compiling)
						select {
						case <-aborted:
						case <-ctx.Done():
							err = ctx.Err()
							close(cutOff)
						}
					})
				}
				return nil, err
			},
		}}
	})
	ctx, abort := context.WithCancel(t.Context())
	defer abort()
	go func() {
		<-compiling
		abort()
		select {
		case <-cutOff:
		case <-time.After(100 * time.Millisecond): // for the server to notice
		}
		close(aborted)
	}()
	req := must(http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/worker.js?worker_file", nil))
	req.Header.Set("Sec-Fetch-Dest", "worker")
	if res, err := http.DefaultClient.Do(req); err == nil {
		_ = res.Body.Close()
		t.Error("the request was answered")
	}
	<-aborted
	r := s.Get("/worker.js?worker_file", "Sec-Fetch-Dest", "worker")
	if !strings.Contains(r.Body, "postMessage(1)") || strings.Contains(r.Body, `"error"`) {
		t.Errorf("the worker is\n%s", r.Body)
	}
}
