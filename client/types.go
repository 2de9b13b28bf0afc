package client

import "strings"

// TypesFile is a declaration file for a project's editor. About says what the file has.
type TypesFile struct{ Name, Text, About string }

// Types returns the declaration files for the project's sources. declarations has interfaces to merge:
// `interface DevserverEvents { "a:b": { n: number } }`, and likewise DevserverServerEvents, DevserverRequests,
// DevserverPageRequests and DevserverChannels.
//
// vite says that the project has Vite's types, which declare import.meta. A second file then adds what those types
// lack. It is a second file because additions need a module, and the declaration of devserver/client needs a script.
func Types(declarations string, vite bool) []TypesFile {
	const note = "// Written by devserver from the Go types of this project's plugins. Do not edit.\n" +
		"// It need not be in version control.\n\n"
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
	files := []TypesFile{{Name: "devserver-env.d.ts", Text: b.String(), About: "the types of your events"}}
	if vite {
		files = append(files, TypesFile{
			Name: "devserver-vite.d.ts", Text: note + "export {};\n\n" + declarationsOf("vite.d.ts"),
			About: "what Vite's types of import.meta.hot lack",
		})
	}
	return files
}

// declarationsOf returns an embedded declaration file without the comment at its top, which is for this repository.
func declarationsOf(name string) string {
	text, err := sources.ReadFile("src/api/" + name)
	if err != nil {
		panic(err) // the name is one of those above
	}
	_, rest, _ := strings.Cut(string(text), "\n\n")
	return rest
}
