package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/seed-b8174343/devserver/internal/devtest"
)

// The pictures of the guides, in docs/pictures. With -update the tests make them again:
//
//	go test ./server -run Pictures -update
//
// Without -update the tests play the same stories, and make sure that the files are there and small enough. They do not
// compare pixels: these depend on fonts. JetBrains Mono and Inter look best, and other fonts do.

const (
	pictureFolder  = "../docs/pictures"
	stillLimit     = 150 << 10
	animationLimit = 1500 << 10
	// pictureScale makes text sharp on screens with more than one pixel for a pixel of CSS.
	pictureScale = 1.5
)

// checkPicture makes sure that a picture of the guides is there, and not too large to load with its page.
func checkPicture(t *testing.T, name string, limit int64) {
	t.Helper()
	about, err := os.Stat(filepath.Join(pictureFolder, name))
	if err != nil {
		t.Errorf("a picture of the guides is missing: %v; -update writes it", err)
	} else if about.Size() > limit {
		t.Errorf("%s has %d kB, more than %d", name, about.Size()>>10, limit>>10)
	}
}

func writePicture(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(pictureFolder, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// bothThemes writes the picture name-light.png and name-dark.png with -update, and checks both.
func bothThemes(t *testing.T, name string, picture func(theme string) *image.NRGBA) {
	t.Helper()
	for _, theme := range []string{"light", "dark"} {
		file := name + "-" + theme + ".png"
		if *update {
			var b bytes.Buffer
			if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, small(picture(theme))); err != nil {
				t.Fatal(err)
			}
			writePicture(t, file, b.Bytes())
		}
		checkPicture(t, file, stillLimit)
	}
}

// A window is a terminal, an editor or a browser ("page") of a scene. Its numbers are pixels of CSS, and even numbers, so
// that a page's picture needs no smoothing.
type window struct {
	Kind   string  `json:"kind"`
	Title  string  `json:"title"`
	Left   float64 `json:"left"`
	Top    float64 `json:"top"`
	Width  float64 `json:"width"`
	Height float64 `json:"height"`
	// Text is the output of a terminal with ANSI colours, or the code of an editor.
	Text string `json:"text"`
	// Size is the size of the text's font.
	Size float64 `json:"size"`
	// Scroll shows the end of a text that is too long. Without it such a text is a mistake.
	Scroll bool `json:"scroll"`
	// First is the number of lines above the visible part of the code. Mark is the first of Marks highlighted lines.
	First int `json:"first"`
	Mark  int `json:"mark"`
	Marks int `json:"marks"`
	// Unsaved says that the file has changes that are not on disk.
	Unsaved bool `json:"unsaved"`
	// Picture is a page's screenshot, as dataURL returns it.
	Picture string `json:"picture"`
}

// barHeight is the height of the bar of a window.
const barHeight = 30

// A scene is what the stage draws.
type scene struct {
	Theme   string    `json:"theme"`
	Windows []window  `json:"windows"`
	Solid   bool      `json:"solid"` // has a background of its own
	Caption string    `json:"caption"`
	Step    int       `json:"step"`
	Pointer []float64 `json:"pointer"` // the place of the mouse; nil for none
	Pressed bool      `json:"pressed"`
}

// A stage is a page that draws scenes. Its background is transparent, so that the pictures fit on every page.
type stage struct {
	t *testing.T
	*devtest.Page
}

func newStage(t *testing.T, s *devtest.Server, width, height int64) *stage {
	t.Helper()
	source, err := os.ReadFile("testdata/stage.html")
	if err != nil {
		t.Fatal(err)
	}
	p := s.Tab(t)
	p.Goto("data:text/html;base64," + base64.StdEncoding.EncodeToString(source))
	p.Do(chromedp.EmulateViewport(width, height, chromedp.EmulateScale(pictureScale)))
	nothing := emulation.SetDefaultBackgroundColorOverrideParams{Color: &cdp.RGBA{}}
	if _, err := chromedp.Call(p.Context(), emulation.SetDefaultBackgroundColorOverride, nothing); err != nil {
		t.Fatal(err)
	}
	return &stage{t, p}
}

// draw returns the picture of a scene. The test fails when a text does not fit into its window.
func (s *stage) draw(sc scene) *image.NRGBA {
	s.t.Helper()
	text, err := json.Marshal(sc)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, wrong := range devtest.Eval[[]string](s.Page, "render("+string(text)+")") {
		s.t.Errorf("the picture is cut off: %s", wrong)
	}
	return screenshot(s.t, s.Page)
}

// screenshot returns a picture of the visible page.
func screenshot(t *testing.T, p *devtest.Page) *image.NRGBA {
	t.Helper()
	decoded, err := png.Decode(bytes.NewReader(p.Screenshot()))
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewNRGBA(decoded.Bounds())
	draw.Draw(img, img.Rect, decoded, img.Rect.Min, draw.Src)
	return img
}

// dataURL returns a page's screenshot for a window.
func dataURL(p *devtest.Page) string {
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(p.Screenshot())
}

// fit makes a page as large as the content of a window.
func fit(p *devtest.Page, w window) {
	p.Do(chromedp.EmulateViewport(int64(w.Width), int64(w.Height)-barHeight, chromedp.EmulateScale(pictureScale)))
}

// small returns the picture with a palette.
func small(img *image.NRGBA) *image.Paletted {
	counts := map[color.NRGBA]int{}
	for i := 0; i < len(img.Pix); i += 4 {
		counts[pixel(img, i)]++
	}
	colours, index := palette(counts, 256)
	out := image.NewPaletted(img.Rect, colours)
	for i := range out.Pix {
		out.Pix[i] = index[pixel(img, 4*i)]
	}
	return out
}

func pixel(img *image.NRGBA, i int) color.NRGBA {
	return color.NRGBA{R: img.Pix[i], G: img.Pix[i+1], B: img.Pix[i+2], A: img.Pix[i+3]}
}

// palette returns at most n colours for a picture, and the palette's index of each colour. Colours that are too many get
// the nearest of those that are used most. Nothing is dithered, so text stays sharp: only shades of its edges are merged.
func palette(counts map[color.NRGBA]int, n int) (color.Palette, map[color.NRGBA]uint8) {
	all := slices.SortedFunc(maps.Keys(counts), func(a, b color.NRGBA) int {
		if d := counts[b] - counts[a]; d != 0 {
			return d
		}
		return bytes.Compare([]byte{a.R, a.G, a.B, a.A}, []byte{b.R, b.G, b.B, b.A})
	})
	var chosen []color.NRGBA
	for apart := 0; ; apart = 2*apart + 3 { // squares of distances
		chosen = chosen[:0]
		for _, c := range all {
			if len(chosen) > n {
				break
			}
			if _, distance := nearest(chosen, c); distance > apart {
				chosen = append(chosen, c)
			}
		}
		if len(chosen) <= n {
			break
		}
	}
	index := map[color.NRGBA]uint8{}
	for _, c := range all {
		i, _ := nearest(chosen, c)
		index[c] = uint8(i)
	}
	colours := make(color.Palette, len(chosen))
	for i, c := range chosen {
		colours[i] = c
	}
	return colours, index
}

// nearest returns the colour that looks most alike, and the square of its distance.
func nearest(colours []color.NRGBA, c color.NRGBA) (at, distance int) {
	distance = 1 << 30
	for i, o := range colours {
		r, g, b, a := int(o.R)-int(c.R), int(o.G)-int(c.G), int(o.B)-int(c.B), int(o.A)-int(c.A)
		if d := r*r + g*g + b*b + a*a; d < distance {
			at, distance = i, d
		}
	}
	return at, distance
}

// An animation is a moving picture that repeats.
type animation struct {
	gif  gif.GIF
	last *image.NRGBA
}

// add shows the picture for a time in hundredths of a second.
func (a *animation) add(img *image.NRGBA, time int) {
	hard(img)
	changed, counts := img.Rect, map[color.NRGBA]int{}
	differs := func(i int) bool { return a.last == nil || pixel(img, i) != pixel(a.last, i) }
	if a.last != nil {
		changed = image.Rectangle{}
	}
	for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y++ {
		for x := img.Rect.Min.X; x < img.Rect.Max.X; x++ {
			if i := img.PixOffset(x, y); differs(i) {
				counts[pixel(img, i)]++
				changed = changed.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if changed.Empty() {
		a.gif.Delay[len(a.gif.Delay)-1] += time
		return
	}
	delete(counts, color.NRGBA{})
	colours, index := palette(counts, 255)
	keep := uint8(len(colours)) // transparent: what the picture before shows there
	frame := image.NewPaletted(changed, append(colours, color.NRGBA{}))
	for y := changed.Min.Y; y < changed.Max.Y; y++ {
		for x := changed.Min.X; x < changed.Max.X; x++ {
			at, i := keep, img.PixOffset(x, y)
			if c := pixel(img, i); differs(i) && c.A > 0 {
				at = index[c]
			}
			frame.Pix[frame.PixOffset(x, y)] = at
		}
	}
	a.gif.Image = append(a.gif.Image, frame)
	a.gif.Delay = append(a.gif.Delay, time)
	a.gif.Disposal = append(a.gif.Disposal, gif.DisposalNone)
	a.last = img
}

// hard makes each pixel opaque or transparent, as a GIF needs it.
func hard(img *image.NRGBA) {
	for i := 0; i < len(img.Pix); i += 4 {
		if img.Pix[i+3] < 128 {
			copy(img.Pix[i:], []byte{0, 0, 0, 0})
		} else {
			img.Pix[i+3] = 255
		}
	}
}

// seconds returns how long the animation is.
func (a *animation) seconds() float64 {
	sum := 0
	for _, d := range a.gif.Delay {
		sum += d
	}
	return float64(sum) / 100
}

func (a *animation) encode(t *testing.T) []byte {
	t.Helper()
	a.gif.Config = image.Config{Width: a.last.Rect.Dx(), Height: a.last.Rect.Dy()}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &a.gif); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestAnimation: an animation shows the same pixels as the pictures that it was made of, however small their difference
// is, and keeps a picture that does not differ for longer.
func TestAnimation(t *testing.T) {
	t.Parallel()
	picture := func(x int) *image.NRGBA {
		img := image.NewNRGBA(image.Rect(0, 0, 40, 20))
		draw.Draw(img, image.Rect(2, 0, 40, 20), image.NewUniform(color.NRGBA{R: 10, G: 13, B: 18, A: 255}), image.Point{}, draw.Src)
		draw.Draw(img, image.Rect(x, 5, x+9, 9), image.NewUniform(color.NRGBA{R: 79, G: 209, B: 139, A: 255}), image.Point{}, draw.Src)
		return img
	}
	places := []int{5, 5, 8, 30, 4}
	var a animation
	for _, x := range places {
		a.add(picture(x), 10)
	}
	decoded, err := gif.DecodeAll(bytes.NewReader(a.encode(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(decoded.Image) != 4 || decoded.Delay[0] != 20 || a.seconds() != 0.5 {
		t.Fatalf("%d pictures in %v s, the first for %d", len(decoded.Image), a.seconds(), decoded.Delay[0])
	}
	screen := image.NewNRGBA(image.Rect(0, 0, 40, 20))
	for i, frame := range decoded.Image {
		draw.Draw(screen, frame.Rect, frame, frame.Rect.Min, draw.Over)
		if want := picture(places[i+1]); !bytes.Equal(screen.Pix, want.Pix) {
			t.Errorf("picture %d differs", i)
		}
	}
}

// TestPalette: a picture with few colours keeps them, and text with too many shades gets the nearest shades.
func TestPalette(t *testing.T) {
	t.Parallel()
	few, many := map[color.NRGBA]int{}, map[color.NRGBA]int{}
	for i := range 200 {
		few[color.NRGBA{R: uint8(i), A: 255}] = 1 + i
	}
	for i := range 1000 {
		many[color.NRGBA{R: uint8(i % 250), G: uint8(i / 4), B: 90, A: 255}] = 1 + i%7
	}
	for name, counts := range map[string]map[color.NRGBA]int{"few": few, "many": many} {
		colours, index := palette(counts, 256)
		worst := 0
		for c := range counts {
			_, d := nearest([]color.NRGBA{colours[index[c]].(color.NRGBA)}, c)
			worst = max(worst, d)
		}
		if len(colours) > 256 || name == "few" && worst > 0 || worst > 400 {
			t.Errorf("%s: %d colours for %d, the worst is %d away", name, len(colours), len(counts), worst)
		}
	}
}
