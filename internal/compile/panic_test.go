package compile

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/transform"
)

// TestPanicIsTheErrorOfItsModule compiles without the parts that a script needs.
func TestPanicIsTheErrorOfItsModule(t *testing.T) {
	c := &Compiler{o: Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}}
	err := c.compile(context.Background(), source{id: "/a.js", code: "export default 1"}, &graph.Version{})
	if e, ok := errors.AsType[*transform.Error](err); !ok || e.ID != "/a.js" || !strings.Contains(e.Text, "failed to compile") || e.Hint == "" {
		t.Errorf("the error is %v", err)
	}
}
