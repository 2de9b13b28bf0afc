// Package agent is the MCP server: what a steer.Core answers, as tools for AI agents.
//
// The verbs are tools with fixed names, and handlers of the project that have a description are further tools. All text
// that comes from pages is marked, so that an agent can tell the app's content from what this server says.
package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/steer"
)

// Options configures a Server.
type Options struct {
	// Ask sends a verb with its arguments to a steer.Core, and returns the answer. An *hmr.Error is the verb's own
	// error.
	Ask func(ctx context.Context, verb string, args json.RawMessage) (json.RawMessage, error)
	// Version is devserver's version.
	Version string
	// Log gets warnings and errors of the protocol; nil logs nothing.
	Log *slog.Logger
}

// Server answers clients of MCP. Use New.
type Server struct {
	opts Options
}

// New returns a Server.
func New(opts Options) *Server {
	handler := slog.DiscardHandler
	if opts.Log != nil {
		handler = warnings{opts.Log.Handler()}
	}
	opts.Log = slog.New(handler)
	return &Server{opts: opts}
}

// warnings drops the lines below a warning: the SDK tells of each connection, and over HTTP each call is one.
type warnings struct{ slog.Handler }

func (h warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

func (h warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{h.Handler.WithAttrs(attrs)}
}

func (h warnings) WithGroup(name string) slog.Handler { return warnings{h.Handler.WithGroup(name)} }

// Handler returns the handler of streamable HTTP, without sessions. It checks nothing: who may ask is the caller's
// part.
func (s *Server) Handler() http.Handler {
	served := s.session(false)
	inner := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return served.server }, &mcp.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, PropagateRequestCancellation: true, Logger: s.opts.Log,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, r.Context())))
	})
}

// requestKey is the key of the HTTP request's context in the context of a call.
type requestKey struct{}

// whileAsked ends a call when its HTTP request ends. The SDK does so for the newest revision of the protocol only. In
// older revisions the connection is all that tells: a cancellation is a message of its own, and belongs to a session.
func whileAsked(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		if request, ok := ctx.Value(requestKey{}).(context.Context); ok {
			asked, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(request, cancel)()
			ctx = asked
		}
		return next(ctx, method, req)
	}
}

// Run serves one client over a reader and a writer, such as standard input and output, until the client goes away or
// ctx ends.
func (s *Server) Run(ctx context.Context, in io.ReadCloser, out io.WriteCloser) error {
	served := s.session(true)
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		served.watch(ctx)
	}()
	err := served.server.Run(ctx, &mcp.IOTransport{Reader: in, Writer: out})
	cancel()
	<-watched
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// session is an mcp.Server with its tools.
type session struct {
	opts    Options
	server  *mcp.Server
	project *projectTools
	reached chan struct{} // gets a value when a call was answered, see watch
}

func (s *Server) session(announces bool) *session {
	n := &session{opts: s.opts, reached: make(chan struct{}, 1)}
	n.server = mcp.NewServer(&mcp.Implementation{Name: "devserver", Title: "devserver", Version: s.opts.Version}, &mcp.ServerOptions{
		Instructions: instructions, Logger: s.opts.Log,
		Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{ListChanged: announces}},
	})
	for _, t := range tools {
		n.server.AddTool(t.definition(), n.handler(t))
	}
	n.project = &projectTools{session: n, have: map[string]string{}}
	n.server.AddReceivingMiddleware(whileAsked, n.project.middleware)
	return n
}

// ask asks the Core.
func (n *session) ask(ctx context.Context, verb string, args json.RawMessage) (json.RawMessage, error) {
	answer, err := n.opts.Ask(ctx, verb, args)
	if err == nil {
		select {
		case n.reached <- struct{}{}:
		default:
		}
	}
	return answer, err
}

// handler answers calls of one of our tools.
func (n *session) handler(t tool) mcp.ToolHandler {
	return func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		args, err := decodeArguments(t.args, req.Params.Arguments)
		if err != nil {
			return failure("", &hmr.Error{Code: "bad_args", Message: err.Error()}), nil
		}
		return n.answer(ctx, t, args), nil
	}
}

// answer asks the Core, and shows its answer.
func (n *session) answer(ctx context.Context, t tool, args json.RawMessage) *mcp.CallToolResult {
	raw, err := n.ask(ctx, t.verb, args)
	if err != nil {
		return failure(t.verb, err)
	}
	text, marked, err := t.show(Marks{}, raw)
	if err != nil {
		return failure(t.verb, err)
	}
	thrown, _ := marked.(*steer.Evaluated)
	result := &mcp.CallToolResult{IsError: thrown != nil && thrown.Error != "", Content: []mcp.Content{&mcp.TextContent{Text: text}}}
	if t.answers != nil {
		result.StructuredContent = marked
	}
	return result
}

// failure returns an error as a tool's answer: its code, what is wrong, and the next step.
func failure(verb string, err error) *mcp.CallToolResult {
	return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: ErrorText(verb, err, Marks{})}}}
}

// ErrorText puts the error of a verb into words, with the next step where there is a known one.
func ErrorText(verb string, err error, m Marks) string {
	own, ok := errors.AsType[*hmr.Error](err)
	if !ok {
		return clean(err.Error())
	}
	text := bounded(clean(own.Error()), maxBlock)
	if slices.Contains(reaching, verb) {
		text = m.text("", own.Error(), maxBlock)
	}
	text = m.name("", own.Code) + ": " + text
	if next := nextSteps[own.Code]; next != "" {
		text += "\n" + next
	}
	return text
}

// reaching are the verbs whose errors may have words of a page or of a handler: codes and messages that these choose,
// and the addresses of the open pages.
var reaching = []string{steer.VerbAct, steer.VerbCall, steer.VerbErrors, steer.VerbEvaluate, steer.VerbInspect, steer.VerbSnapshot}

// nextSteps say what to do about errors, by code. They hold what the message says, too, where an agent must know it:
// the message may be marked as a page's.
var nextSteps = map[string]string{
	"no_page":        "status lists the open pages. With none, open the project's URL in a browser.",
	"page_gone":      "Pages get another ID when they reload: status lists the open pages.",
	"not_allowed":    `devserver.config.json decides: {"agents": {"act": true, "evaluate": true}}; "users": true for pages of signed-in users. Ask the user first.`,
	"timeout":        "The page or handler did not answer in time. status says which pages answer.",
	"unknown_event":  "events lists the names that have handlers.",
	"no_element":     "Take a new snapshot: elements leave a page when it renders again, and a selector may match nothing.",
	"not_actionable": "inspect says why an element is hidden, covered or disabled.",
	"unknown_verb":   "The server is of another version than this program: restart it.",
}
