package agent

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/seed-b8174343/devserver/internal/journal"
	"github.com/seed-b8174343/devserver/internal/steer"
)

// projectTools are the project's handlers with a description, as tools.
type projectTools struct {
	session *session

	mu   sync.Mutex
	have map[string]string // guarded by mu; name of a tool in the server -> its definition as JSON
}

// listWait is how long a client's list of tools waits for the project's part of it.
const listWait = 3 * time.Second

// middleware looks for the project's tools before a client lists the tools, or calls a tool that it has from a list of
// another process.
func (p *projectTools) middleware(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		if call, ok := req.(*mcp.CallToolRequest); method == "tools/list" || ok && !p.known(call.Params.Name) {
			limited, cancel := context.WithTimeout(ctx, listWait)
			_ = p.sync(limited) // without a server the list has our own tools
			cancel()
		}
		return next(ctx, method, req)
	}
}

func (p *projectTools) known(name string) bool {
	if _, ok := toolOf(name); ok {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.have[name] != ""
}

// sync asks for the project's tools, and changes the server's list where they differ. The mcp.Server tells its client.
func (p *projectTools) sync(ctx context.Context) error {
	raw, err := p.session.ask(ctx, steer.VerbTools, json.RawMessage("{}"))
	if err != nil {
		return err
	}
	var answer steer.Tools
	if err := json.Unmarshal(raw, &answer); err != nil {
		return err
	}
	want := named(answer.Tools)
	p.mu.Lock()
	defer p.mu.Unlock()
	for name := range p.have {
		if _, ok := want[name]; !ok {
			p.session.server.RemoveTools(name)
			delete(p.have, name)
		}
	}
	for name, t := range want {
		d := t.definition(name)
		text, err := json.Marshal(d)
		if err != nil {
			return err
		}
		if p.have[name] != string(text) {
			p.session.server.AddTool(d, p.handler(t))
			p.have[name] = string(text)
		}
	}
	return nil
}

// projectTool is a handler of the project. Several pages may have the same.
type projectTool struct {
	steer.Tool
	schema  json.RawMessage
	wrapped bool // the payload is the argument data, since it is no object
	choose  bool // the argument page chooses a page
}

// named names the tools of a project. A name depends on nothing but the event, unless two events would have one name.
func named(list []steer.Tool) map[string]projectTool {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b steer.Tool) int {
		// a handler of the server before those of pages
		return cmp.Or(cmp.Compare(a.Event, b.Event), -cmp.Compare(a.To, b.To), cmp.Compare(a.Page, b.Page))
	})
	list = slices.CompactFunc(list, func(a, b steer.Tool) bool { return a.Event == b.Event && a.To == b.To })
	byName := map[string]projectTool{}
	for _, t := range list[:min(len(list), maxTools)] {
		name := toolName(t.Event)
		if _, ours := toolOf(name); ours || name == "" {
			name = strings.TrimSuffix("project_"+name, "_")
		}
		if _, taken := byName[name]; taken || len(name) > maxName {
			sum := fnv.New32a()
			_, _ = sum.Write([]byte(t.To + " " + t.Event)) // a hash never fails
			name = fmt.Sprintf("%s_%06x", name[:min(len(name), maxName-7)], sum.Sum32()&0xffffff)
		}
		if _, taken := byName[name]; !taken {
			byName[name] = newProjectTool(t)
		}
	}
	return byName
}

// Bounds of the project's tools: how many there are, the length of a name, and what a description and a schema may
// have.
const (
	maxTools       = 100
	maxName        = 64
	maxDescription = 500
	maxSchema      = 8000
)

// notInNames reports whether a character may not be in the name of a tool.
func notInNames(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
}

// toolName returns the words of an event's name, with _ between them.
func toolName(event string) string { return strings.Join(strings.FieldsFunc(event, notInNames), "_") }

func newProjectTool(t steer.Tool) projectTool {
	page := fromServer
	if t.To == "page" {
		page = "" // with the ID of a page, each reload would change the tool
		t.Description = Marks{}.text(page, t.Description, maxDescription)
	} else {
		t.Description = bounded(clean(t.Description), maxDescription)
	}
	p := projectTool{Tool: t}
	cleaner := schemaCleaner{page: page, root: "#"}
	schema := cleaner.payloadSchema(t.Input)
	if p.wrapped = schema["type"] != "object"; p.wrapped {
		cleaner.root = "#/properties/data"
		payload := cleaner.payloadSchema(t.Input)
		schema = map[string]any{"type": "object", "properties": map[string]any{"data": payload}}
		if definitions := payload["$defs"]; definitions != nil {
			delete(payload, "$defs")
			schema["$defs"] = definitions
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	if properties == nil {
		properties = map[string]any{}
	}
	_, taken := properties["page"]
	if p.choose = !taken && schema["additionalProperties"] == nil; p.choose { // each name may be a member of a map
		properties["page"] = map[string]any{"type": "string", "description": "page ID; default: the page looked at last"}
	}
	schema["properties"] = properties
	p.schema, _ = json.Marshal(schema) // maps, lists, strings, numbers
	return p
}

func (t projectTool) definition(name string) *mcp.Tool {
	about := t.Description + " "
	switch {
	case t.To == "page":
		about += fmt.Sprintf("(Handler of the app in its pages: %s.)", Marks{}.name("", t.Event))
	case t.Request:
		about += fmt.Sprintf("(Request of the project: %s.)", clean(t.Event))
	default:
		about += fmt.Sprintf("(Event of the project, without an answer: %s.)", clean(t.Event))
	}
	return &mcp.Tool{Name: name, Description: about, InputSchema: t.schema, Annotations: &mcp.ToolAnnotations{}}
}

// handler calls the project's handler.
func (p *projectTools) handler(t projectTool) mcp.ToolHandler {
	call, _ := toolOf(steer.VerbCall)
	return func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		args := steer.CallArgs{Event: t.Event, To: t.To, Data: req.Params.Arguments}
		given := map[string]json.RawMessage{}
		if len(bytes.TrimSpace(args.Data)) > 0 {
			if err := json.Unmarshal(args.Data, &given); err != nil {
				return failure(steer.VerbCall, fmt.Errorf("the arguments must be an object")), nil
			}
		}
		if raw, ok := given["page"]; ok && t.choose {
			if err := json.Unmarshal(raw, &args.Page); err != nil {
				return failure(steer.VerbCall, fmt.Errorf(`the argument "page" must be a text`)), nil
			}
			delete(given, "page")
			args.Data, _ = json.Marshal(given) // it was JSON before
		}
		if t.wrapped {
			args.Data = given["data"]
		}
		raw, err := json.Marshal(args)
		if err != nil {
			return failure(steer.VerbCall, err), nil
		}
		return p.session.answer(ctx, call, raw), nil
	}
}

// watch has the project's tools looked at again when plugins were swapped, and when pages came, left or took an update.
// It waits on the log of what happened, and without a server for the next call that finds one.
func (n *session) watch(ctx context.Context) {
	for ctx.Err() == nil {
		n.follow(ctx)
		for drained := false; !drained; { // values that follow itself left
			select {
			case <-n.reached:
			default:
				drained = true
			}
		}
		select {
		case <-ctx.Done():
		case <-n.reached:
		}
	}
}

// followWait is how long the server keeps one question about the log, in milliseconds.
const followWait = 25_000

// follow syncs the tools when they may have changed, until the server does not answer.
func (n *session) follow(ctx context.Context) {
	args := steer.HistoryArgs{Kinds: []journal.Kind{journal.KindTools, journal.KindPage, journal.KindReport}, Limit: 1}
	for {
		began := time.Now()
		raw, err := json.Marshal(args)
		if err != nil {
			return
		}
		var h steer.History
		if raw, err = n.ask(ctx, steer.VerbHistory, raw); err != nil || json.Unmarshal(raw, &h) != nil {
			return
		}
		first := args.Wait == 0
		if !first && len(h.Records) == 0 && time.Since(began) < time.Second {
			return // a server that does not wait must not be asked again and again
		}
		if first || len(h.Records) > 0 {
			if n.project.sync(ctx) != nil {
				return
			}
		}
		args.Since, args.Wait = h.Cursor, followWait
	}
}
