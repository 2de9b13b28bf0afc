package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-b8174343/devserver/hmr"
	"github.com/seed-b8174343/devserver/internal/pluginhost"
	"github.com/seed-b8174343/devserver/plugin"
)

// TestTools: handlers with a description are tools, as long as they are there.
func TestTools(t *testing.T) {
	type clear struct {
		Item  string `json:"item"`
		Count *int   `json:"count,omitempty"`
	}
	empty := func(context.Context, plugin.Client, clear) (int, error) { return 0, nil }
	var server plugin.Server
	hub := hmr.NewHub(hmr.Options{})
	defer hub.Close()
	changed := make(chan []Tool, 10)
	var r *Relay
	r = New(Options{
		Context: t.Context(), Hub: hub, Hosts: pluginhost.NewHosts(), Watch: func([]string) []string { return nil },
		Plugins: []plugin.Plugin{{
			Name:  "cart",
			Start: func(_ context.Context, s plugin.Server) error { server = s; return nil },
			Events: []plugin.Event{
				plugin.Handle("cart:clear", empty).Describe("Empties the cart"),
				plugin.On("cart:show", func(context.Context, plugin.Client, any) error { return nil }).Describe("Shows the cart"),
				plugin.Handle("cart:own", empty),
			},
		}},
		ToolsChanged: func() { changed <- r.Tools() },
	})
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Stop() }()
	if err := r.Attach(); err != nil {
		t.Fatal(err)
	}
	defer r.Detach()
	const input = `{"type":"object","properties":{"item":{"type":"string"},"count":{"type":"integer"}},"required":["item"]}`
	expect := func(want string) {
		t.Helper()
		text := ""
		for _, tool := range <-changed {
			text += fmt.Sprintf("%s %s %s %v %s\n", tool.Plugin, tool.Event, tool.Description, tool.Request, tool.Input)
		}
		if text != want {
			t.Errorf("got\n%swant\n%s", text, want)
		}
	}
	both := "cart cart:clear Empties the cart true " + input + "\ncart cart:show Shows the cart false \n"
	expect(both)
	remove, err := server.Handle(plugin.Handle("cart:add", empty).Describe("Adds"))
	if err != nil {
		t.Fatal(err)
	}
	expect("cart cart:add Adds true " + input + "\n" + both)
	if _, err := server.Handle(plugin.Handle("cart:hidden", empty)); err != nil { // changes nothing
		t.Fatal(err)
	}
	remove()
	expect(both)
}

// TestSchemasFromSource: the marks of a schema become comments and constants.
func TestSchemasFromSource(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module shop\n", "cart.go": `package main

// Item is what to buy.
type Item struct {
	// Color is the "coat", and ends */ here.
	Color Color
	Size  Size
	Other Size // of the other
}

type Color string

const (
	Red   Color = "red"
	Green Color = "green"
)

// Size is how large it is.
type Size int

const (
	Small Size = iota + 1
	Large
)
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	schema := json.RawMessage(`{"$go":"|main Item|","type":"object","properties":{` +
		`"Color":{"$go":"main Item.Color|main Color|enum","type":"string"},` +
		`"Size":{"$go":"main Item.Size|main Size|enum null","type":["integer","null"]},` +
		`"Other":{"$go":"main Item.Other|main Size|enum","type":"integer"},` +
		`"$go":{"$go":"main Item.Nothing||"},"x":{"$go":"||","type":"string"}}}`)
	for _, test := range []struct {
		source *goSource
		want   string
	}{
		{newGoSource(dir), `{"description":"Item is what to buy.","type":"object","properties":{` +
			`"Color":{"description":"Color is the \"coat\", and ends */ here.","enum":["red","green"],"type":"string"},` +
			`"Size":{"description":"Size is how large it is.","enum":[1,2,null],"type":["integer","null"]},` +
			`"Other":{"description":"of the other","enum":[1,2],"type":"integer"},` +
			`"$go":{},"x":{"type":"string"}}}`},
		{nil, `{"type":"object","properties":{"Color":{"type":"string"},"Size":{"type":["integer","null"]},"Other":{"type":"integer"},` +
			`"$go":{},"x":{"type":"string"}}}`},
	} {
		got := test.source.completeSchema(schema)
		if string(got) != test.want || !json.Valid(got) {
			t.Errorf("got\n%s\nwant\n%s", got, test.want)
		}
	}
}
