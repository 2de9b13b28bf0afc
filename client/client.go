// Package client holds the browser side of devserver. Its TypeScript is embedded, and esbuild bundles it at first use,
// which takes some milliseconds. So no generated file is committed, and Go alone builds the tool.
//
// The package has five programs:
//   - [Script] runs first in every page.
//   - [Console] sends the page's console to the server.
//   - [Steer] answers what tools ask of a page.
//   - [Worker] is the runtime in front of a worker's modules.
//   - [Library] is for app code: `devserver/client` and `devserver/react`.
//
// All functions are safe for concurrent use.
package client

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

//go:embed src
var sources embed.FS

// Config is the configuration of a page. The server writes it in front of the script, see [Config.Prefix].
type Config struct {
	// Base is the path of the project on the server. It begins and ends with a slash.
	Base string `json:"base"`
	// Token opens the socket.
	Token string `json:"token"`
	// Epoch names the run of the server.
	Epoch string `json:"epoch"`
	// Seq is the number of the newest update when the script is served.
	Seq uint64 `json:"seq"`
	// MaxMessage is how many bytes a message of the page may have.
	MaxMessage int64 `json:"maxMessage,omitempty"`
	// Overlay shows errors over the page; without it the console alone has them.
	Overlay bool `json:"overlay"`
	// Env is import.meta.env.
	Env any `json:"env,omitempty"`
	// Globals are the expressions of the names that the page defines before any code of the app runs.
	Globals map[string]string `json:"-"`
	// ShareTabs lets all tabs of a browser use one socket.
	ShareTabs bool `json:"shareTabs,omitempty"`
	// AskReload lets a page that must reload show the reason and a button instead.
	AskReload bool `json:"askReload,omitempty"`
}

// Prefix returns the text in front of Script. Its first line is exactly the JSON of c, since pages read it again, as
// text, when a restarted server has another token.
func (c Config) Prefix() (string, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode the page's configuration: %w", err)
	}
	prefix := "const __config__ = " + string(text) + ";\n"
	if len(c.Globals) > 0 {
		prefix += "const __globals__ = " + Globals(c.Globals) + ";\n"
	}
	return prefix, nil
}

// Globals returns an object of functions that compute the expressions.
func Globals(expressions map[string]string) string {
	var b strings.Builder
	b.WriteString("{")
	for _, name := range slices.Sorted(maps.Keys(expressions)) {
		key, _ := json.Marshal(name) // a string is always good
		fmt.Fprintf(&b, "%s: () => (%s\n),", key, expressions[name])
	}
	return b.String() + "}"
}

// Options are the options of Bundle.
type Options struct {
	// Entry is a file below src, such as "client.ts" or "console/console.ts".
	Entry string
	// Global makes a classic script and names the variable that gets its exports; "" makes an ES module.
	Global string
	// SourceMap makes a source map, too. The caller adds its URL to the code.
	SourceMap bool
	// Minify makes the script shorter and hard to read.
	Minify bool
}

// Bundle bundles embedded sources into one script. The source map is nil without Options.SourceMap.
func Bundle(opts Options) (code, sourceMap []byte, err error) {
	options := api.BuildOptions{
		EntryPoints:   []string{opts.Entry},
		Outfile:       "/@vite/client.js",
		AbsWorkingDir: "/",
		Bundle:        true,
		Format:        api.FormatESModule,
		Target:        api.ES2022,
		Charset:       api.CharsetUTF8,
		LegalComments: api.LegalCommentsNone,
		TsconfigRaw:   `{"compilerOptions":{"target":"ES2022","useDefineForClassFields":false}}`,
		External:      []string{"react"},
		LogLevel:      api.LogLevelSilent,
		Plugins:       []api.Plugin{{Name: "embedded", Setup: opts.readEmbedded}},
	}
	if opts.Global != "" {
		options.Format, options.GlobalName = api.FormatIIFE, opts.Global
	}
	if opts.SourceMap {
		options.Sourcemap = api.SourceMapExternal
	}
	if opts.Minify {
		options.MinifyWhitespace, options.MinifySyntax, options.MinifyIdentifiers = true, true, true
	}
	result := api.Build(options)
	if len(result.Errors) > 0 {
		m := result.Errors[0]
		at := ""
		if m.Location != nil {
			at = fmt.Sprintf("%s:%d: ", m.Location.File, m.Location.Line)
		}
		return nil, nil, fmt.Errorf("bundle client/src/%s: %s%s", opts.Entry, at, m.Text)
	}
	for _, f := range result.OutputFiles {
		if strings.HasSuffix(f.Path, ".map") {
			sourceMap = f.Contents
		} else {
			code = f.Contents
		}
	}
	return code, sourceMap, nil
}

// channelFile is the module that app code imports as "devserver/client".
const channelFile = "api/channel.ts"

// stylesheet finds the stylesheets of our own elements in the sources.
var stylesheet = regexp.MustCompile("(?m)^const css = `([^`]*)`;$")

// readEmbedded lets esbuild read the embedded sources.
func (opts Options) readEmbedded(build api.PluginBuild) {
	const namespace = "embedded"
	build.OnResolve(api.OnResolveOptions{Filter: `^\.|\.ts$`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
		file := path.Join(path.Dir(args.Importer), args.Path)
		if file == channelFile && args.Importer != "" {
			return api.OnResolveResult{Path: "devserver/client", External: true}, nil // the app has one instance of it
		}
		return api.OnResolveResult{Path: file, Namespace: namespace}, nil
	})
	build.OnLoad(api.OnLoadOptions{Filter: ".", Namespace: namespace}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
		text, err := sources.ReadFile("src/" + args.Path)
		if err != nil {
			return api.OnLoadResult{}, err
		}
		contents := string(text)
		if opts.Minify {
			contents = stylesheet.ReplaceAllStringFunc(contents, func(declaration string) string {
				css := api.Transform(stylesheet.FindStringSubmatch(declaration)[1], api.TransformOptions{
					Loader: api.LoaderCSS, MinifyWhitespace: true, MinifySyntax: true,
				})
				return "const css = `" + strings.TrimSpace(string(css.Code)) + "`;"
			})
		}
		return api.OnLoadResult{Contents: &contents, Loader: api.LoaderTS}, nil
	})
}

var script = sync.OnceValue(func() string { return mustBundle(Options{Entry: "client.ts", Minify: true}) })

// Script returns the ES module that every page runs first. The text of [Config.Prefix] belongs in front of it.
func Script() string { return script() }

var console = sync.OnceValue(func() string {
	return mustBundle(Options{Entry: "console/console.ts", Global: "$console", Minify: true})
})

// Console returns statements that send the page's console as events "devserver:console". Projects that want that get
// them behind Script.
func Console() string { return console() }

var steer = sync.OnceValue(func() string { return mustBundle(Options{Entry: "steer/steer.ts", Minify: true}) })

// Steer returns the ES module that answers what tools ask of a page. A page loads it at the first such request. Its
// export `answer(verb, args, page)` returns a promise of the answer.
func Steer() string { return steer() }

var worker = sync.OnceValue(func() string {
	return mustBundle(Options{Entry: "worker.ts", Global: "$devserver", Minify: true}) + "const $r = $devserver.registry;\n"
})

// Worker returns statements that define `$r`, the registry, for classic and module workers.
func Worker() string { return worker() }

var libraries = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"devserver/client": mustBundle(Options{Entry: channelFile}),
		"devserver/react":  mustBundle(Options{Entry: "api/react.ts"}),
	}
})

// Library returns the ES module that app code imports as "devserver/client" or "devserver/react"; "" for other
// specifiers. "devserver/react" imports "devserver/client" and "react".
func Library(specifier string) string { return libraries()[specifier] }

// mustBundle panics when the embedded sources do not compile. The package's tests make sure that they do.
func mustBundle(opts Options) string {
	code, _, err := Bundle(opts)
	if err != nil {
		panic(err)
	}
	return string(code)
}
