// Package resolve finds the file that an import means.
//
// It follows Node's algorithm with the additions of bundlers for browsers. These are the "browser" field, the
// conditions of "exports" and "imports", omitted extensions, aliases, and "paths" of tsconfig.json. The package also
// finds the tsconfig.json and package.json around a file, and what they say about compiling it.
//
// A Resolver reads each folder and each package.json once and remembers them. The watcher of the files calls Invalidate
// when files are created or removed. When something is not found, the Resolver reads the folders again, since nobody
// watches some of them (node_modules above all). Its methods are safe for concurrent use.
//
// Paths of importers and results are absolute, in the system's own form. Results have symbolic links resolved, so that
// one file is one module whatever path leads to it.
package resolve
