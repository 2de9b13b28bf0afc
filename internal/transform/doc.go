// Package transform compiles one module at a time: JavaScript, TypeScript, JSX and JSON by Compile, stylesheets by
// CompileCSS, everything else by the small functions of asset.go.
//
// A module becomes the body of a factory, `function(module, exports, require, $load$, $meta$)`, which the page's
// registry calls. esbuild does the work (one api.Transform to CommonJS); what it prints is canonical, and this package
// reads from it, with a lexer, what the server must know: imports and the names taken from them, exports, workers,
// glob imports, components and hooks.
//
// Every change made to esbuild's output keeps its lines, except for whole lines that are left out; SourceMap leaves the
// same lines out of the map. Nothing here touches the disk, resolves a specifier or keeps state: equal inputs
// give equal outputs, so the caller may cache, and all functions may be called concurrently.
package transform
