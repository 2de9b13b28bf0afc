package running_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/guard"
	"github.com/seed-b8174343/devserver/internal/running"
)

// TestDo: a verb goes to its path with the key, and comes back as its answer, as its own error, or as a server that is
// gone.
func TestDo(t *testing.T) {
	waiting, left := make(chan struct{}), make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.Header.Get(guard.TokenHeader) != "key" || r.Method != http.MethodPost:
			http.Error(w, "no", http.StatusForbidden)
		case r.URL.Path == "/base/__devserver/do/logs" && string(body) == `{"limit":3}`:
			_, _ = io.WriteString(w, `{"answer":{"cursor":7}}`)
		case r.URL.Path == "/base/__devserver/do/act":
			_, _ = io.WriteString(w, `{"error":{"code":"not_allowed","message":"act is off","path":"do"}}`)
		case r.URL.Path == "/base/__devserver/do/wait_for_update":
			close(waiting)
			<-r.Context().Done()
			close(left)
		default:
			_, _ = io.WriteString(w, "<html>")
		}
	}))
	t.Cleanup(web.Close)
	s := running.Server{URL: web.URL + "/base/", Token: "key"}

	var answer struct{ Cursor int }
	if err := s.Do(t.Context(), "logs", map[string]int{"limit": 3}, &answer); err != nil || answer.Cursor != 7 {
		t.Errorf("answer %+v, %v", answer, err)
	}
	err := s.Do(t.Context(), "act", struct{}{}, &answer)
	if own, ok := errors.AsType[*hmr.Error](err); !ok || *own != (hmr.Error{Code: "not_allowed", Message: "act is off", Path: "do"}) {
		t.Errorf("the error of a verb: %v", err)
	}
	if err := s.Do(t.Context(), "other", json.RawMessage("{}"), &answer); err == nil {
		t.Error("HTML is an answer")
	}
	other := s
	other.Token = "of another run"
	if err := other.Do(t.Context(), "logs", struct{}{}, &answer); !errors.Is(err, running.ErrGone) {
		t.Errorf("with another key: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-waiting
		cancel()
	}()
	if err := s.Do(ctx, "wait_for_update", struct{}{}, &answer); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	<-left
}
