package client

import "strings"

// TypesFile is a declaration file for a project's editor.
type TypesFile struct{ Name, Text string }

// Types returns the declaration files that belong into the project's sources. declarations are interfaces to merge:
// `interface DevserverEvents { "a:b": { n: number } }`, and so for DevserverServerEvents, DevserverRequests and
// DevserverChannels. vite tells that the project has Vite's types: they then declare import.meta, and a second file
// adds what they lack (adding to them takes a file that is a module, declaring devserver/client one that is not).
func Types(declarations string, vite bool) []TypesFile {
	const note = "// Written by devserver from the Go types of this project's plugins. Do not edit; it may be left out of version control.\n\n"
	parts := []string{"env.d.ts", "channels.d.ts"}
	if !vite {
		parts = append(parts, "standalone.d.ts")
	}
	var b strings.Builder
	b.WriteString(note)
	if declarations != "" {
		b.WriteString(strings.TrimSpace(declarations) + "\n\n")
	}
	for _, name := range parts {
		b.WriteString(declarationsOf(name) + "\n")
	}
	files := []TypesFile{{Name: "devserver-env.d.ts", Text: b.String()}}
	if vite {
		files = append(files, TypesFile{Name: "devserver-vite.d.ts", Text: note + "export {};\n\n" + declarationsOf("vite.d.ts")})
	}
	return files
}

// declarationsOf returns an embedded declaration file without the comment at its head, which is about the source.
func declarationsOf(name string) string {
	text, err := sources.ReadFile("src/api/" + name)
	if err != nil {
		panic(err) // the name is one of those above
	}
	_, rest, _ := strings.Cut(string(text), "\n\n")
	return rest
}
