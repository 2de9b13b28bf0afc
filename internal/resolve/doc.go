// Package resolve tells which file an import means.
//
// It follows Node's algorithm with what bundlers for browsers add to it: the "browser" field, the conditions of
// "exports" and "imports", extensions that are left out, aliases, and "paths" of tsconfig.json. It also tells what the
// tsconfig.json and package.json around a file say about compiling it.
//
// A Resolver reads each folder and each package.json once and remembers them. Whoever watches the files calls
// Invalidate when files come or go; folders that nobody watches, node_modules above all, are looked at again whenever
// something was not found. Its methods are safe for concurrent use.
//
// Paths of importers and results are absolute, in the system's own form, and results have symbolic links resolved, so
// that one file is one module however it was reached.
package resolve
