package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
)

// Control is a slider of the page.
type Control struct {
	Name  string  `json:"name"`
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
	Step  float64 `json:"step"`
	Value float64 `json:"value"` // at the start
}

// controls are the sliders. The page makes them of this list, also after an edit of it.
var controls = []Control{
	{Name: "left", Min: 1, Max: 9, Step: 1, Value: 3},
	{Name: "right", Min: 1, Max: 9, Step: 1, Value: 4},
	{Name: "detune", Min: 0, Max: 0.1, Step: 0.001, Value: 0.012},
	{Name: "phase", Min: 0, Max: 2 * math.Pi, Step: 0.01, Value: 1.2},
	{Name: "friction", Min: 0, Max: 0.04, Step: 0.0005, Value: 0.008},
	{Name: "turns", Min: 5, Max: 60, Step: 1, Value: 40},
}

const pointsPerTurn = 64

// curve returns the place of the pen at a time in turns of a pendulum, within -1 and 1.
func curve(t float64, v Values) (x, y float64) {
	swing := math.Exp(-v["friction"] * t * 2 * math.Pi)
	angle := t * 2 * math.Pi
	x = swing * math.Sin(angle*v["left"]/3+v["phase"])
	y = swing * math.Sin(angle*(v["right"]/3+v["detune"]))
	return x, y
}

// pen returns the colour of the curve.
func pen(v Values) string {
	return fmt.Sprintf("hsl(%.0f 70%% 55%%)", 200+v["phase"]*40)
}

// draw follows the pen. It ends early when the page does not wait for the answer any more.
func draw(ctx context.Context, v Values) (Drawing, error) {
	v = complete(v)
	points := int(v["turns"] * pointsPerTurn)
	path := append(make([]byte, 0, points*14), 'M')
	for i := range points {
		if i%1000 == 0 && ctx.Err() != nil {
			return Drawing{}, ctx.Err()
		}
		x, y := curve(float64(i)/pointsPerTurn, v)
		if i > 0 {
			path = append(path, 'L')
		}
		path = strconv.AppendFloat(path, 95*x, 'f', 2, 64)
		path = append(path, ' ')
		path = strconv.AppendFloat(path, 95*y, 'f', 2, 64)
	}
	return Drawing{Path: string(path), Pen: pen(v), Points: points}, nil
}

// complete returns values within the bounds of their controls: pages may send anything. A value that is missing is the
// control's own.
func complete(v Values) Values {
	all := Values{}
	for _, c := range controls {
		value, given := v[c.Name]
		if !given {
			value = c.Value
		}
		all[c.Name] = min(max(value, c.Min), c.Max)
	}
	return all
}
