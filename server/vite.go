package server

import (
	"encoding/json"
	"fmt"

	"github.com/seed-b8174343/devserver/internal/vite"
)

// waitingForNode is how many modules may wait for plugins in Node while others compile. Node takes one after the other.
const waitingForNode = 14

// viteProject is the project as the plugins of its vite.config see it.
type viteProject struct{ *project }

var _ vite.Project = viteProject{}

// Send implements vite.Project.
func (p viteProject) Send(s vite.Send) error {
	var sent struct {
		Type  string          `json:"type"`
		Event string          `json:"event"`
		Data  json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(s.Payload, &sent); err != nil {
		return fmt.Errorf("read a message of a plugin: %w", err)
	}
	if sent.Type == "custom" {
		return p.server.hub.Broadcast(sent.Event, sent.Data)
	}
	return nil
}

// Invalidate implements vite.Project.
func (p viteProject) Invalidate(ids []string) {
	p.tasks.Go(func() {
		for _, id := range ids {
			p.edits.Invalidate(id)
		}
	})
}

// Reload implements vite.Project.
func (p viteProject) Reload(ids []string) { p.tasks.Go(func() { p.edits.Reload(ids...) }) }

// Redo is for vite.Options.
func (p viteProject) Redo(missed []vite.Change, ids []string) {
	p.tasks.Go(func() { p.edits.Redo(missed, ids) })
}

// Watch implements vite.Project.
func (p viteProject) Watch(paths []string) { p.watched.Inputs(paths) }

// Edited implements vite.Project.
func (p viteProject) Edited(vite.Change) {}

// Restart implements vite.Project.
func (p viteProject) Restart(by string) { p.server.restartLater("plugin " + by + " asked for it") }

// Listens implements vite.Project.
func (p viteProject) Listens([]string) {}

// Serves implements vite.Project.
func (p viteProject) Serves([]string) {}

// Log implements vite.Project.
func (p viteProject) Log(level, text, by string) {
	switch level {
	case "error":
		p.server.log.Error(text, "plugin", by)
	case "warn":
		p.server.log.Warn(text, "plugin", by)
	default:
		p.server.log.Info(text, "plugin", by)
	}
}
