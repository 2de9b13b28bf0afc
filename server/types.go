package server

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-b8174343/devserver/plugin"
)

// TypesFile is written into the project's root and tells editors the types of the plugins' events.
const TypesFile = "devserver-env.d.ts"

// writeTypes refreshes the file when the plugins' events differ from what it says. Projects without TypeScript have no
// use for it.
func (p *project) writeTypes() {
	var events []plugin.EventInfo
	for _, one := range p.plugins.Plugins() {
		events = append(events, one.Events...)
	}
	file := filepath.Join(p.root, TypesFile)
	was, err := os.ReadFile(file)
	if err != nil && (len(events) == 0 || !p.usesTypeScript()) {
		return
	}
	text := typesText(events)
	if string(was) == text {
		return
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		p.log.Warn("write "+TypesFile, "error", err)
		return
	}
	p.log.Info("wrote " + TypesFile + " (the types of your events)")
}

func (p *project) usesTypeScript() bool {
	_, err := os.Stat(filepath.Join(p.root, "tsconfig.json"))
	return err == nil
}

// typesText declares the events for our own types and for Vite's, so that a project keeps one editor setup.
func typesText(events []plugin.EventInfo) string {
	slices.SortStableFunc(events, func(a, b plugin.EventInfo) int { return cmp.Compare(a.Name, b.Name) })
	events = slices.CompactFunc(events, func(a, b plugin.EventInfo) bool { return a.Name == b.Name && a.Request == b.Request })
	var sent, asked strings.Builder
	for _, e := range events {
		name := strconv.Quote(e.Name)
		if e.Request {
			asked.WriteString("  " + name + ": { request: " + e.In + "; response: " + e.Out + " };\n")
		} else {
			sent.WriteString("  " + name + ": " + e.In + ";\n")
		}
	}
	return `// Written by devserver from the Go types of this project's plugins. Do not edit; it may be left out of version control.
export {};

interface DevserverEvents {
` + sent.String() + `}

interface DevserverRequests {
` + asked.String() + `}

declare global {
  interface DevserverHot {
    send<E extends keyof DevserverEvents>(event: E, data: DevserverEvents[E]): void;
    request<E extends keyof DevserverRequests>(event: E, data: DevserverRequests[E]["request"], options?: { timeout?: number; signal?: AbortSignal }): Promise<DevserverRequests[E]["response"]>;
  }
}

declare module "vite/types/customEvent.d.ts" {
  interface CustomEventMap extends DevserverEvents {}
}
`
}
