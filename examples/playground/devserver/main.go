// Command devserver computes the drawing of the page from the values of its sliders.
package main

import (
	"context"

	"github.com/seed-b8174343/devserver/plugin"
)

// Values are the positions of the sliders, by the names of their controls.
type Values map[string]float64

// Drawing is what the page shows.
type Drawing struct {
	// Path is the d of an SVG path, in a square from -100 to 100.
	Path string `json:"path"`
	// Pen is the colour, as CSS writes it.
	Pen string `json:"pen"`
	// Points is the number of points of the path.
	Points int `json:"points"`
}

func main() {
	plugin.Main(plugin.Plugin{
		Name: "playground",
		Events: []plugin.Event{
			plugin.Handle("playground:controls", func(context.Context, plugin.Client, plugin.None) ([]Control, error) {
				return controls, nil
			}),
			plugin.Handle("playground:draw", func(ctx context.Context, c plugin.Client, in Values) (Drawing, error) {
				return draw(ctx, in)
			}),
		},
	})
}
