package main

import (
	"fmt"
	"image/color"
	"os"
	"runtime"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

func writeTable(file string, all []Figures, rounds int) error {
	var b strings.Builder
	b.WriteString("# Growth\n\nThe server's costs in projects of different sizes, measured by `cd bench && go run .`, which writes this page.\n")
	fmt.Fprintf(&b, "Medians of %d rounds on %d cores, %s/%s, %s. ", rounds, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	b.WriteString("Compare only figures of one table: machines differ, and so do days.\n\n")
	b.WriteString("| modules | edit, ms | reload, ms | warm start, ms | cold start, ms | memory, MB |\n|---:|---:|---:|---:|---:|---:|\n")
	for _, f := range all {
		fmt.Fprintf(&b, "| %d | %.1f | %.1f | %.0f | %.0f | %d |\n",
			f.Modules, ms(f.Edit), ms(f.Reload), ms(f.Warm), ms(f.Cold), f.Memory>>20)
	}
	b.WriteString("\n![The table as a plot, both axes logarithmic](growth.svg)\n\n" +
		"- **edit**: from the write of a leaf module to its code on the socket. It must not grow.\n" +
		"- **reload**: the page, the client and the unchanged script. The server checks each file's time and answers 304.\n" +
		"- **warm start**: from the start of the process to the last byte of the script, with the cache of an earlier run.\n" +
		"- **cold start**: the same with an empty cache.\n" +
		"- **memory**: resident, three seconds after the load and ten edits.\n\n" +
		"The browser needs more time to run the page. [speed.md](speed.md) compares whole loads with another server.\n")
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// writePlot draws the figures over the number of modules, with logarithmic axes. A level line is a cost that does not
// grow. A line at 45 degrees is a cost that grows as the project does.
func writePlot(file string, all []Figures) error {
	p := plot.New()
	p.Title.Text = "Cost over the size of a project"
	p.X.Label.Text = "modules"
	p.Y.Label.Text = "ms (memory: MB)"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	p.BackgroundColor = color.White // the page may be dark
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	for i, line := range []struct {
		name string
		of   func(Figures) float64
	}{
		{"cold start", func(f Figures) float64 { return ms(f.Cold) }},
		{"warm start", func(f Figures) float64 { return ms(f.Warm) }},
		{"memory", func(f Figures) float64 { return float64(f.Memory) / (1 << 20) }},
		{"reload", func(f Figures) float64 { return ms(f.Reload) }},
		{"edit", func(f Figures) float64 { return ms(f.Edit) }},
	} {
		points := make(plotter.XYs, len(all))
		for k, f := range all {
			points[k].X, points[k].Y = float64(f.Modules), max(line.of(f), 0.1)
		}
		l, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		l.Color, dots.Color = plotutil.Color(i), plotutil.Color(i)
		l.Width = vg.Points(1.5)
		dots.Shape = plotutil.Shape(i)
		p.Add(l, dots)
		p.Legend.Add(line.name, l, dots)
	}
	return p.Save(7*vg.Inch, 4.5*vg.Inch, file)
}
