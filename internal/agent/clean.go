package agent

import (
	"encoding/json"
	"strings"
	"unicode"
)

// schemaCleaner makes a schema of a handler one that clients may get. A page may have written it.
type schemaCleaner struct {
	page string // as in Marks.text
	// root is where the handler's schema lies in the tool's.
	root string
}

// keyword cleans the value of a keyword of JSON Schema. It returns false for other keywords: clients and the SDK act on
// some, such as headers and addresses of schemas.
func (c schemaCleaner) keyword(name string, v any, depth int) (any, bool) {
	switch name {
	case "properties", "$defs":
		return c.members(v, depth)
	case "items", "additionalProperties", "propertyNames", "not":
		return c.schema(v, depth)
	case "anyOf", "oneOf", "allOf", "prefixItems":
		return c.schemas(v, depth)
	case "type", "required", "format", "contentEncoding":
		return c.names(v)
	case "description":
		return c.text(v)
	case "$ref":
		return c.reference(v)
	case "enum", "const", "default", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
		"minLength", "maxLength", "minItems", "maxItems":
		return c.value(v, depth)
	}
	return nil, false
}

// maxDepth bounds how deep a schema goes.
const maxDepth = 10

// payloadSchema returns the clean schema of a payload, {} for one that is not known or too long.
func (c schemaCleaner) payloadSchema(raw json.RawMessage) map[string]any {
	var v any
	if len(raw) > 0 && len(raw) <= maxSchema && json.Unmarshal(raw, &v) == nil {
		if schema, ok := c.schema(v, 0); ok {
			if object, ok := schema.(map[string]any); ok {
				return object
			}
		}
	}
	return map[string]any{}
}

func (c schemaCleaner) schema(v any, depth int) (any, bool) {
	if allowed, ok := v.(bool); ok {
		return allowed, true
	}
	object, ok := v.(map[string]any)
	if !ok || depth > maxDepth {
		return nil, false
	}
	out := map[string]any{}
	for key, value := range object {
		if cleaned, ok := c.keyword(key, value, depth+1); ok {
			out[key] = cleaned
		}
	}
	return out, true
}

func (c schemaCleaner) schemas(v any, depth int) (any, bool) {
	list, ok := v.([]any)
	out := []any{}
	for _, member := range list {
		schema, known := c.schema(member, depth)
		if !known {
			return nil, false
		}
		out = append(out, schema)
	}
	return out, ok
}

func (c schemaCleaner) members(v any, depth int) (any, bool) {
	object, ok := v.(map[string]any)
	out := map[string]any{}
	for name, member := range object {
		if schema, known := c.schema(member, depth); known && isProperty(name) {
			out[name] = schema
		}
	}
	return out, ok
}

// names cleans a name or a list of names.
func (c schemaCleaner) names(v any) (any, bool) {
	if name, ok := v.(string); ok {
		return name, isProperty(name)
	}
	list, ok := v.([]any)
	for _, name := range list {
		if text, isText := name.(string); !isText || !isProperty(text) {
			return nil, false
		}
	}
	return list, ok
}

// isProperty reports whether a name of a property may stay: it has no spaces and no marks.
func isProperty(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_.$-", r)
	})
}

func (c schemaCleaner) text(v any) (any, bool) {
	text, ok := v.(string)
	if c.page == fromServer {
		return bounded(clean(text), maxDescription), ok
	}
	return Marks{}.text(c.page, text, maxDescription), ok
}

// reference cleans a reference, which leads to a part of the same schema.
func (c schemaCleaner) reference(v any) (any, bool) {
	text, _ := v.(string)
	name, ok := strings.CutPrefix(text, "#/$defs/")
	if text == "#" {
		return c.root, true
	}
	return text, ok && isProperty(name)
}

// value cleans a value, such as those of an enum. It has no mark, which would make it another value.
func (c schemaCleaner) value(v any, depth int) (any, bool) {
	switch v := v.(type) {
	case string:
		return bounded(lookAlike.Replace(clean(v)), 100), true
	case []any:
		out := []any{}
		for _, member := range v {
			if cleaned, ok := c.value(member, depth+1); ok && depth <= maxDepth {
				out = append(out, cleaned)
			}
		}
		return out, true
	case map[string]any:
		return nil, false
	}
	return v, true
}
