// Package transform compiles one module at a time. Compile compiles JavaScript, TypeScript, JSX and JSON, CompileCSS
// compiles stylesheets, and the functions of asset.go write the modules of all other files.
//
// A module becomes the body of a factory, `function(module, exports, require, $load$, $meta$)`, which the page's
// registry calls. esbuild compiles it (one api.Transform to CommonJS) and prints it in a canonical form. This package
// reads the printed code with a lexer. It finds imports with the names that they use, exports, workers, glob imports,
// components and hooks.
//
// Every change to esbuild's output keeps its lines, except for whole lines that are left out. SourceMap leaves the same
// lines out of the map. The package resolves no specifier and keeps no state. It reads no disk, except that CompileCSS
// reads imported files when it gets no Read. Equal inputs give equal outputs, so the caller may cache them. All
// functions are safe for concurrent use.
package transform
