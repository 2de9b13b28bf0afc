package vite

import (
	"encoding/json"
	"fmt"
)

// Send is a message of a plugin for pages, in Vite's form.
type Send struct {
	Payload json.RawMessage `json:"payload"`
	// IDs are the modules of an update.
	IDs []string `json:"ids"`
	// Client is the page that gets the message, "" for all. Host.Page finds it.
	Client string `json:"client"`
	// By is the plugin that sends, "" when that is not known.
	By string `json:"by"`
}

// Message is what a Send says, as far as the server reads it.
type Message struct {
	// Type is "custom", "update", "full-reload", "error", or another type of Vite's.
	Type  string          `json:"type"`
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
	// Path is the page that a full-reload is for.
	Path string `json:"path"`
	Err  struct {
		Message string `json:"message"`
		ID      string `json:"id"`
		Frame   string `json:"frame"`
		Plugin  string `json:"plugin"`
		Loc     struct {
			File   string `json:"file"`
			Line   int    `json:"line"`
			Column int    `json:"column"`
		} `json:"loc"`
	} `json:"err"`
}

// Message reads the payload.
func (s Send) Message() (m Message, err error) {
	if err := json.Unmarshal(s.Payload, &m); err != nil {
		return m, fmt.Errorf("read what plugin %q sends: %w", s.By, err)
	}
	return m, nil
}

// By returns how texts for users name a plugin. The name "" stands for any plugin of the vite.config.
func By(name string) string {
	if name == "" {
		return "a plugin of the vite.config"
	}
	return "plugin " + name
}
