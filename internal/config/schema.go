package config

// SchemaURL is where editors find the JSON Schema of the configuration file, schema.json. It is made from the types of this
// package and their comments, by `go test ./internal/config -update`.
const SchemaURL = "https://raw.githubusercontent.com/seed-b8174343/devserver/main/internal/config/schema.json"
