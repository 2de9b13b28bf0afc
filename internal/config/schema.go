package config

import _ "embed"

// SchemaURL is where editors find the JSON Schema of the configuration file.
const SchemaURL = "https://raw.githubusercontent.com/seed-b8174343/devserver/main/internal/config/schema.json"

//go:embed schema.json
var schema []byte

// JSONSchema returns the JSON Schema of the configuration file. It is made from the types of this package and their
// comments, by `go test ./internal/config -update`.
func JSONSchema() []byte { return schema }
