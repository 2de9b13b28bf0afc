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

// TestProgramsByRequest asks for scripts as browsers do: what runs without a page gets a script that imports nothing. A
// browser on another machine does not say what it asks for.
func TestProgramsByRequest(t *testing.T) {
	t.Parallel()
	s := devtest.Start(t, devtest.App(t, devtest.Text(page+`
-- main.js --
new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
export const other = new URL("./other.ts", import.meta.url);
-- worker.ts --
import { n } from "./n";
postMessage(n as number);
-- other.ts --
import { n } from "./n";
console.log(n as number);
-- n.ts --
export const n: number = 1;
`)))
	for _, test := range []struct {
		url, dest string
		program   bool
	}{
		{"/main.js", "script", false},
		{"/main.js", "", false},
		{"/worker.ts", "", true},
		{"/worker.ts", "worker", true},
		{"/worker.ts", "script", false},
		{"/other.ts", "", false},
		{"/other.ts?worker_file", "", true},
		{"/other.ts?worker_file", "script", true}, // layout and animation worklets are fetched as scripts
		{"/other.ts?worker_file", "empty", true},  // for a Blob
		{"/other.ts", "audioworklet", true},
		{"/other.ts", "paintworklet", true},
		{"/other.ts", "sharedstorageworklet", true},
		{"/other.ts", "serviceworker", true},
		{"/other.ts", "sharedworker", true},
		{"/other.ts", "", true}, // it ran as a worker
	} {
		var headers []string
		if test.dest != "" {
			headers = []string{"Sec-Fetch-Dest", test.dest, "Sec-Fetch-Mode", "cors"}
		}
		r := s.Get(test.url, headers...)
		if r.Status != http.StatusOK || strings.Contains(r.Body, `from "/@vite/client"`) == test.program {
			t.Errorf("%s for %q: status %d, a program: %v, want %v", test.url, test.dest, r.Status, !test.program, test.program)
		}
		_, address, _ := strings.Cut(r.Body, "//# sourceMappingURL=")
		if m := s.Get(strings.TrimSpace(address)); !strings.Contains(m.Body, "as number") && test.url != "/main.js" {
			t.Errorf("%s for %q has the source map %s", test.url, test.dest, m.Body)
		}
	}
}
