package config

// SchemaURL is the address where editors find the configuration file's JSON Schema, schema.json. The command
// `go test ./internal/config -update` makes schema.json from the types of this package and their comments.
const SchemaURL = "https://raw.githubusercontent.com/seed-b8174343/devserver/main/internal/config/schema.json"
