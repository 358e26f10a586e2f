//go:build chromium

package page

import "encoding/json"

// object returns an object with data, all of which one manager owns, as JSON.
func object(kind, name, manager string, data map[string]string) string {
	fields := map[string]any{".": map[string]any{}}
	for key := range data {
		fields["f:"+key] = map[string]any{}
	}
	return document(kind, name, manager, map[string]any{"data": data}, map[string]any{"f:data": fields})
}

// deep returns an object with maps within maps.
func deep(levels int) string {
	var value, fields any = "the end", map[string]any{}
	for range levels {
		value, fields = map[string]any{"deeper": value}, map[string]any{"f:deeper": fields}
	}
	return document("ConfigMap", "deep", "git", map[string]any{"data": value}, map[string]any{"f:data": fields})
}

func document(kind, name, manager string, content, fields map[string]any) string {
	content["apiVersion"], content["kind"] = "v1", kind
	content["metadata"] = map[string]any{"name": name, "managedFields": []any{
		map[string]any{"manager": manager, "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields},
	}}
	text, err := json.Marshal(content)
	if err != nil {
		panic(err) // maps and strings
	}
	return string(text)
}
