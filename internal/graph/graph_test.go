package graph_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-b8174343/devserver/internal/graph"
)

// drawn is a Loader over a graph drawn as text: "main>a,b a>c" (b dynamic: "main>?b", a worker: "main>!b", a script
// whose address main makes: "main>@b"). A lazy barrel is drawn with its names: "lib=x:lx,y:ly" re-exports x from lx; a
// star re-export is "lib=*:all". "main>lib.x" takes a name.
type drawn struct {
	mu    sync.Mutex
	edges map[string][]graph.Edge
	lazy  map[string]bool
	fail  map[string]bool
	loads map[string]int
}

func draw(text string) *drawn {
	d := &drawn{edges: map[string][]graph.Edge{}, lazy: map[string]bool{}, fail: map[string]bool{}, loads: map[string]int{}}
	for part := range strings.FieldsSeq(text) {
		if from, to, ok := strings.Cut(part, "="); ok {
			d.lazy[from] = true
			for re := range strings.SplitSeq(to, ",") {
				name, target, _ := strings.Cut(re, ":")
				e := graph.Edge{Specifier: target, Lazy: map[string]string{name: "default"}}
				if name == "*" {
					e = graph.Edge{Specifier: target, To: target, Star: true}
				}
				d.edges[from] = append(d.edges[from], e)
			}
			continue
		}
		from, to, _ := strings.Cut(part, ">")
		for target := range strings.SplitSeq(to, ",") {
			e := graph.Edge{}
			if rest, ok := strings.CutPrefix(target, "?"); ok {
				e.Kind, target = graph.Dynamic, rest
			} else if rest, ok := strings.CutPrefix(target, "!"); ok {
				e.Kind, target = graph.Worker, rest
			} else if rest, ok := strings.CutPrefix(target, "@"); ok {
				e.Kind, target = graph.Address, rest
			}
			target, name, named := strings.Cut(target, ".")
			if named {
				e.Names = []string{name}
			} else {
				e.All = true
			}
			e.Specifier, e.To = target, target
			d.edges[from] = append(d.edges[from], e)
		}
	}
	return d
}

func (d *drawn) Load(_ context.Context, id string) *graph.Version {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.loads[id]++
	v := &graph.Version{Rev: fmt.Sprint(id, d.edges[id]), Edges: d.edges[id], Lazy: d.lazy[id]}
	if d.fail[id] {
		v = &graph.Version{Err: errors.New("broken")}
	}
	return v
}

func (d *drawn) Resolve(_ context.Context, spec, _ string) (string, error) { return spec, nil }
func (d *drawn) File(id string) string                                     { return "/app/" + id }

func names(list []graph.Entry) string {
	var ids []string
	for _, e := range list {
		ids = append(ids, e.ID)
	}
	return strings.Join(ids, " ")
}

func TestCrawlAndClosure(t *testing.T) {
	for _, test := range []struct{ name, graph, have, want, loaded string }{
		{name: "imports come before importers", graph: "main>a,b a>c b>c", want: "c a b main"},
		{name: "a cycle ends", graph: "main>a a>b b>a", want: "b a main"},
		{name: "dynamic imports stay out", graph: "main>?lazy,a lazy>x", want: "a main"},
		{name: "what the page has stays out", graph: "main>a,b a>c b>c", have: "a", want: "b main"},
		{name: "a barrel gives only what is named", graph: "main>lib.x lib=x:lx,y:ly lx>base", want: "base lx lib main"},
		{name: "a barrel asked as a whole gives all", graph: "main>lib lib=x:lx,y:ly", want: "lx ly lib main"},
		{name: "names pass through star re-exports", graph: "main>lib.x lib=*:inner inner=x:lx,y:ly", want: "lx inner lib main"},
		{name: "barrels that re-export each other end", graph: "main>a.x a=*:b b=*:a,x:lx", want: "lx b a main"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := draw(test.graph)
			g := graph.New(d, 4)
			g.Crawl(context.Background(), "main")
			var have []string
			if test.have != "" {
				have = strings.Fields(test.have)
			}
			if got := names(g.Closure([]string{"main"}, have)); got != test.want {
				t.Errorf("closure is %q, want %q", got, test.want)
			}
			for id, n := range d.loads {
				if n != 1 {
					t.Errorf("%s was loaded %d times", id, n)
				}
			}
		})
	}
}

func TestEditCostsWhatIsNew(t *testing.T) {
	d := draw("main>a,b,c,d,e a>f,g,h")
	g := graph.New(d, 4)
	g.Crawl(context.Background(), "main")
	d.loads = map[string]int{}
	d.edges["main"] = append(d.edges["main"], graph.Edge{Specifier: "new", To: "new"})
	g.Reload(context.Background(), "main")
	if fresh := g.Crawl(context.Background(), "main"); !slices.Equal(fresh, []string{"new"}) {
		t.Errorf("fresh modules are %v, want [new]", fresh)
	}
	if len(d.loads) != 2 {
		t.Errorf("the edit loaded %v, want main and new only", d.loads)
	}
}

func TestNewNameOfABarrelBringsItsModuleOnly(t *testing.T) {
	d := draw("main>lib.x lib=x:lx,y:ly")
	g := graph.New(d, 4)
	g.Crawl(context.Background(), "main")
	d.edges["main"] = []graph.Edge{{Specifier: "lib", To: "lib", Names: []string{"x", "y"}}}
	g.Reload(context.Background(), "main")
	if fresh := g.Crawl(context.Background(), "main"); !slices.Equal(fresh, []string{"ly"}) {
		t.Errorf("fresh modules are %v, want [ly]", fresh)
	}
	if deps := g.LazyDeps("lib"); deps["ly"] != "ly" {
		t.Errorf("lazy deps are %v, want ly among them", deps)
	}
}

func TestBrokenModuleKeepsItsLastGoodEdges(t *testing.T) {
	d := draw("main>a a>b")
	g := graph.New(d, 4)
	g.Crawl(context.Background(), "main")
	d.fail["a"] = true
	g.Reload(context.Background(), "a")
	if got := g.Broken(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("broken modules are %v", got)
	}
	if got := g.Importers("b"); !slices.Equal(got, []string{"a"}) {
		t.Errorf("importers of b are %v, want a still", got)
	}
	d.fail["a"] = false
	d.edges["a"] = nil
	g.Reload(context.Background(), "a")
	if got := g.Importers("b"); len(got) != 0 {
		t.Errorf("importers of b are %v, want none", got)
	}
}

func TestDeepChainDoesNotOverflow(t *testing.T) {
	var b strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&b, "m%d>m%d ", i, i+1)
	}
	g := graph.New(draw(b.String()), 4)
	g.Crawl(context.Background(), "m0")
	if n := len(g.Closure([]string{"m0"}, nil)); n != 20001 {
		t.Errorf("closure has %d modules, want 20001", n)
	}
}

// slow is a Loader in which one module hangs.
type slow struct {
	*drawn
	began, let chan bool
}

func (s slow) Load(ctx context.Context, id string) *graph.Version {
	if id == "hangs" {
		s.began <- true
		<-s.let
	}
	return s.drawn.Load(ctx, id)
}

// TestCrawlBesideOneThatWaits: while a crawl waits for a module, others crawl loaded modules without it, edited or not.
func TestCrawlBesideOneThatWaits(t *testing.T) {
	s := slow{draw("main>a,lib.x a>b lib=x:lx,y:ly other>hangs,?a more>lib.y"), make(chan bool), make(chan bool)}
	g := graph.New(s, 2)
	g.Crawl(t.Context(), "main")
	done := make(chan []string)
	crawl := func(id string) { done <- g.Crawl(t.Context(), id) }
	go crawl("other")
	<-s.began
	if fresh := g.Crawl(t.Context(), "main"); len(fresh) > 0 {
		t.Errorf("loaded %v again", fresh)
	}
	s.mu.Lock()
	s.edges["a"] = append(s.edges["a"], graph.Edge{Specifier: "lx", To: "lx", All: true})
	s.mu.Unlock()
	g.Reload(t.Context(), "a")
	g.Crawl(t.Context(), "a")
	go crawl("more") // uses a new name of the barrel, so it waits
	select {
	case fresh := <-done:
		t.Errorf("loaded %v while a module hangs", fresh)
	default:
	}
	close(s.let)
	got := append(<-done, <-done...)
	slices.Sort(got)
	if want := []string{"hangs", "ly", "more", "other"}; !slices.Equal(got, want) {
		t.Errorf("loaded %v, want %v", got, want)
	}
	if got := names(g.Closure([]string{"more"}, nil)); got != "lx ly lib more" && got != "ly lib more" {
		t.Errorf("the closure is %s", got)
	}
}

// asking is a Loader whose modules load others while they are loaded: "a>b" means that a asks for b.
type asking struct {
	*drawn
	g    *graph.Graph
	gate func(id string)

	mu   sync.Mutex
	errs []string
}

func (a *asking) Load(ctx context.Context, id string) *graph.Version {
	if a.gate != nil {
		a.gate(id)
	}
	for _, e := range a.edges[id] {
		if _, err := a.g.LoadFor(ctx, id, e.To); err != nil {
			a.mu.Lock()
			a.errs = append(a.errs, err.Error())
			a.mu.Unlock()
		}
	}
	return &graph.Version{Rev: id}
}

// TestLoadsThatWaitForEachOther: a module that would wait for itself gets an error, whoever has begun to load it.
func TestLoadsThatWaitForEachOther(t *testing.T) {
	for text, errs := range map[string]int{"a>b b>c": 0, "a>a": 1, "a>b b>a": 1, "a>b,c b>d c>d": 0, "a>b b>c c>a": 1} {
		both := make(chan bool, 2)
		a := &asking{drawn: draw(text)}
		a.g = graph.New(a, 4)
		var begun sync.WaitGroup
		begun.Add(2)
		a.gate = func(id string) { // a and b begin at the same time
			if (id == "a" || id == "b") && text == "a>b b>a" {
				begun.Done()
				begun.Wait()
			}
		}
		for _, id := range []string{"a", "b"} {
			go func() { a.g.Load(t.Context(), id); both <- true }()
		}
		<-both
		<-both
		if len(a.errs) != errs {
			t.Errorf("%s: got %q, want %d errors", text, a.errs, errs)
		}
		for _, id := range []string{"a", "b"} {
			if a.g.Version(id) == nil {
				t.Errorf("%s: %s is not loaded", text, id)
			}
		}
	}
}

// TestSettle: Settle waits for modules that are compiled, and for crawls.
func TestSettle(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, begin := range map[string]func(g *graph.Graph){
		"crawl":  func(g *graph.Graph) { g.Crawl(t.Context(), "main") },
		"load":   func(g *graph.Graph) { g.Load(t.Context(), "hangs") },
		"reload": func(g *graph.Graph) { g.Reload(t.Context(), "hangs") },
	} {
		s := slow{draw("main>a a>hangs hangs>b"), make(chan bool), make(chan bool)}
		g := graph.New(s, 1)
		if err := g.Settle(t.Context()); err != nil {
			t.Error(name, err)
		}
		done := make(chan bool)
		go func() { begin(g); close(done) }()
		<-s.began
		if err := g.Settle(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: it did not wait: %v", name, err)
		}
		settled := make(chan error)
		go func() { settled <- g.Settle(t.Context()) }()
		s.let <- true
		if err := <-settled; err != nil {
			t.Error(name, err)
		}
		<-done
	}
}

// gated is a Loader that says which module it begins, and waits.
type gated struct {
	*drawn
	began chan string
	let   chan bool
}

func (g gated) Load(ctx context.Context, id string) *graph.Version {
	g.began <- id
	<-g.let
	return g.drawn.Load(ctx, id)
}

// TestSettleWaitsForTheWholeCrawl: between two modules of a crawl nothing is compiled, but the crawl goes on.
func TestSettleWaitsForTheWholeCrawl(t *testing.T) {
	l := gated{draw("a>b b>c"), make(chan string), make(chan bool)}
	g := graph.New(l, 1)
	go g.Crawl(t.Context(), "a")
	<-l.began
	settled := make(chan error, 1)
	go func() { settled <- g.Settle(t.Context()) }()
	for range 2 {
		for range 1000 {
			runtime.Gosched()
		}
		if len(settled) > 0 {
			t.Fatal("it did not wait for the rest of the crawl")
		}
		l.let <- true
		<-l.began
	}
	l.let <- true
	if err := <-settled; err != nil || g.Version("c") == nil {
		t.Errorf("%v, or c is not loaded", err)
	}
}

func TestWorkers(t *testing.T) {
	for _, c := range []struct{ name, graph, programs, changed, want string }{
		{"a worker", "main>!w w>n", "", "n", "w"},
		{"a module of the page", "main>a,!w", "", "a", ""},
		{"a worker that a worker started", "main>!outer outer>p p>!inner inner>n", "", "n", "inner outer"},
		{"workers that start each other", "main>!a a>!b b>!a b>n", "", "n", "a b"},
		{"an address that is no program", "main>@x x>n", "", "n", ""},
		{"an address of a program", "main>@x x>n", "x", "n", "x"},
		{"a program that no module names", "w>n", "w", "n", "w"},
		{"a module that also runs in a worker", "main>a,!w w>a", "", "a", "w"},
		{"another worker is no concern", "main>!v,!w v>n w>m", "", "n", "v"},
	} {
		g := graph.New(draw(c.graph), 2)
		for _, id := range []string{"main", "w", "v", "x", "a", "b", "outer", "inner"} {
			g.Crawl(t.Context(), id)
		}
		for _, id := range strings.Fields(c.programs) {
			g.NoteProgram(id)
		}
		want := map[string]string{}
		for _, worker := range strings.Fields(c.want) {
			want[worker] = c.changed
		}
		if got := g.Workers([]string{"another", c.changed}); !maps.Equal(got, want) {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
	}
}
