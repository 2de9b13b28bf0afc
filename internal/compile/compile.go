// Package compile turns the ID of a module into what the page runs.
//
// A Compiler is the graph's Loader. Load reads the module's source (a plugin's answer or the file), lets plugins change
// it, compiles it by query and by extension, and resolves its imports. The project's own tools (Sass, PostCSS,
// TypeScript for decorators) do their part through Options.Tools.
//
// A Compiler asks for the folders and files that its results follow from to be watched, but it never looks whether they
// have changed: package edit does.
package compile

import (
	"context"
	"log/slog"
	"maps"
	"strings"
	"sync"

	"github.com/seed-b8174343/devserver/config"
	"github.com/seed-b8174343/devserver/internal/cache"
	"github.com/seed-b8174343/devserver/internal/gate"
	"github.com/seed-b8174343/devserver/internal/graph"
	"github.com/seed-b8174343/devserver/internal/moduleid"
	"github.com/seed-b8174343/devserver/internal/problems"
	"github.com/seed-b8174343/devserver/internal/resolve"
	"github.com/seed-b8174343/devserver/internal/transform"
	"github.com/seed-b8174343/devserver/internal/vite"
	"github.com/seed-b8174343/devserver/plugin"
)

// Options configures a Compiler. All fields are needed but Bundled, Cache, Vite and ViteState.
type Options struct {
	Config   *config.Config
	Layout   moduleid.Layout
	Gate     *gate.Gate
	Resolver *resolve.Resolver
	Problems *problems.Set
	Logger   *slog.Logger
	// NodeEnv is the value of process.env.NODE_ENV in modules. "production" also means no fast refresh and no positions
	// of elements, since React's packages have neither then.
	NodeEnv string
	// ViteState changes with the project's vite.config, whose functions tools may call.
	ViteState string
	// Bundled is what the vite.config wants of packages.
	Bundled vite.Bundled
	// Cache keeps results for later starts; nil keeps none.
	Cache   *cache.Cache
	Plugins Plugins
	// Vite are the plugins of the vite.config, nil without any.
	Vite  *vite.Host
	Tools Tools
	Watch Watch
	// Inline returns an inline script of a page, on the lines that it has in the page.
	Inline func(ctx context.Context, page string, index int) (code string, err error)
	// StyleMapURL returns where the source map of a stylesheet is served.
	StyleMapURL func(id string) string
}

// Plugins are the hooks that have a say in what a module is. A nil result means that no plugin has an answer.
type Plugins interface {
	ResolveID(context.Context, plugin.ResolveArgs) (*plugin.ResolveResult, error)
	Load(context.Context, plugin.LoadArgs) (*plugin.LoadResult, error)
	Transform(context.Context, plugin.TransformArgs) (*plugin.TransformResult, error)
	PostTransform(context.Context, plugin.TransformArgs) (*plugin.TransformResult, error)
	// WantsPostTransform reports whether PostTransform has to be asked about a module.
	WantsPostTransform(id string) bool
}

// Tools runs a method of the Node program on the project's own packages.
type Tools interface {
	Call(ctx context.Context, method string, params, result any) error
}

// Watch follows the files and folders that results are built from.
type Watch interface {
	// Module watches the file of a module. It returns when an edit of the file can be seen: what is read before may be
	// edited in between, and nobody would hear of it.
	Module(file string)
	// Inputs watches the files that a plugin named and returns them as absolute paths.
	Inputs(files []string) []string
	// Version watches the files outside the root that a module was built from, and the folders of its patterns.
	Version(v *graph.Version)
	// TSConfig watches a file whose edit may change what modules compile to.
	TSConfig(file string)
}

// Compiler compiles the modules of one project. Use New. Its methods are safe for concurrent use.
type Compiler struct {
	o        Options
	define   map[string]string
	packaged map[string]string // define, for packages
	refresh  refreshRuntime
	styles   styleTools
	exported sync.Map // file of a package -> names that its stars bring, nil when they are unknown
	stamps   sync.Map // file -> stamped, for assets
	// globNotes holds what the globs of modules had to say, see tellGlobs.
	globNotes sync.Map // ID -> []string
	// brokenMaps holds the modules whose broken source map was reported.
	brokenMaps sync.Map
	warned     sync.Map // what tools have said that is told once
	first      firstCrawl
	mistakes   tsMistakes
	laid       sync.Map // text of a tsconfig's options -> the text with those of the configuration
	assets     []func(file string) bool
	// missed holds the URLs whose missing file was reported, with their module.
	missed sync.Map
}

// New returns a Compiler. It looks for the configurations of the project's tools, and runs nothing yet.
func New(o Options) *Compiler {
	c := &Compiler{o: o, assets: assetPatterns(o.Config.AssetsInclude, o.Layout.Dir), define: defines(o)}
	c.packaged = c.definedInPackages()
	if !c.production() {
		c.refresh.framework = c.detectRefresh()
	}
	c.styles = c.findStyleTools()
	for _, part := range c.cssNames().UnknownHashes() {
		o.Logger.Warn("css.modules.generateScopedName has "+part+", whose hash is unknown: it stands for a hash of another kind",
			"known", "md5, sha1, sha256, sha384, sha512, xxhash64 in hex, base26 to base62, base64, base64safe")
	}
	return c
}

// defines returns what the compiler replaces in code. The page has global variables for all that is defined (package
// env), so objects and expressions are left to them: each module would have a copy of its own.
func defines(o Options) map[string]string {
	node := transform.Quote(o.NodeEnv)
	if own, ok := o.Config.Define[nodeEnv]; ok {
		node = own
	}
	replaced := map[string]string{nodeEnv: node, "globalThis." + nodeEnv: node, "global." + nodeEnv: node}
	for key, value := range o.Config.Define {
		if !strings.HasPrefix(key, "import.meta.env.") && transform.CanDefine(value) {
			replaced[key] = value
		}
	}
	return replaced
}

// definedInPackages returns what the compiler replaces in packages.
func (c *Compiler) definedInPackages() map[string]string {
	if len(c.o.Bundled.Define) == 0 {
		return c.define
	}
	replaced := maps.Clone(c.define)
	for key, value := range c.o.Bundled.Define {
		if transform.CanDefine(value) {
			replaced[key] = value
		} else {
			c.o.Logger.Warn("packages do not see "+key+" of optimizeDeps: only names, texts, numbers and the like may replace a name", "value", value)
		}
	}
	return replaced
}

const nodeEnv = "process.env.NODE_ENV"

// production reports whether packages run as in production.
func (c *Compiler) production() bool { return c.o.NodeEnv == "production" }

var _ graph.Loader = (*Compiler)(nil)
