package httpapi_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"

	"github.com/portside-dev/portside/cmd/portside/internal/discovery/httpapi"
)

// contractSchema returns a validator for the JSON Schema of the list of adapters.
func contractSchema(t *testing.T) validation.SchemaValidator {
	t.Helper()
	var schema apiextensionsv1.JSONSchemaProps
	decoder := json.NewDecoder(strings.NewReader(exampleFile(t, "discovery/adapters.schema.json")))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&schema); err != nil {
		t.Fatal(err)
	}
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&schema, &internal, nil); err != nil {
		t.Fatal(err)
	}
	validator, _, err := validation.NewSchemaValidator(&internal)
	if err != nil {
		t.Fatal(err)
	}
	return validator
}

// contractLists returns lists of adapters: those that were recorded, that the fuzz target
// begins with, and that differ from a list that is right in one value.
func contractLists(t *testing.T) map[string]string {
	t.Helper()
	lists := map[string]string{
		"no adapters":      "[]",
		"64 adapters":      "[" + strings.Repeat(adapterItem("port", "1")+",", 63) + adapterItem("port", "1") + "]",
		"65 adapters":      "[" + strings.Repeat(adapterItem("port", "1")+",", 64) + adapterItem("port", "1") + "]",
		"further fields":   `[{"id":"1","type":"nfs","port":1,"enabled":true,"running":false,"config":{}}]`,
		"names in capital": `[{"Type":"nfs","Port":1,"Enabled":true,"Running":false}]`,
		"an object":        `{"adapters":[]}`,
	}
	for field, values := range map[string][]string{
		"type":     {`"nfs"`, `"a b"`, `"-"`, `""`, `"` + strings.Repeat("a", 63) + `"`, `"` + strings.Repeat("a", 64) + `"`, `"a\\b"`, `"é"`, `"a\n"`, `7`, `null`},
		"port":     {`1`, `65535`, `0`, `65536`, `-1`, `1.5`, `"1"`, `true`, `null`},
		"protocol": {`"TCP"`, `"UDP"`, `"SCTP"`, `"udp"`, `"Sctp"`, `""`, `"HTTP"`, `6`},
		"enabled":  {`true`, `false`, `"true"`, `1`, `null`},
		"running":  {`true`, `false`, `"false"`, `0`, `null`},
	} {
		for _, value := range values {
			lists[field+" "+value] = "[" + adapterItem(field, value) + "]"
		}
		lists["no "+field] = "[" + strings.Replace(adapterItem(field, "0"), `"`+field+`"`, `"other"`, 1) + "]"
	}
	recordings, err := filepath.Glob(examples + "dittofs/*.json")
	if err != nil || len(recordings) < 3 {
		t.Fatalf("found the recordings %q: %v", recordings, err)
	}
	for _, path := range recordings {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lists[filepath.Base(path)] = string(text)
	}
	return lists
}

// adapterItem returns an element that is right but for the value of a field.
func adapterItem(field, value string) string {
	item := map[string]json.RawMessage{
		"type": json.RawMessage(`"nfs"`), "port": json.RawMessage("1"), "protocol": json.RawMessage(`"TCP"`),
		"enabled": json.RawMessage("true"), "running": json.RawMessage("true"),
	}
	item[field] = json.RawMessage(value)
	text, err := json.Marshal(item)
	if err != nil {
		panic(fmt.Sprintf("%s %s: %v", field, value, err))
	}
	return string(text)
}

// TestContractSchema compares the JSON Schema with what is read: every list that the
// schema admits is read, and each adapter can have a port. A list that it does not admit
// is refused, or has an adapter that is Invalid.
func TestContractSchema(t *testing.T) {
	validator := contractSchema(t)
	valid := 0
	for name, text := range contractLists(t) {
		t.Run(name, func(t *testing.T) {
			var value any
			if err := json.Unmarshal([]byte(text), &value); err != nil {
				t.Fatal(err)
			}
			errs := validation.ValidateCustomResource(nil, value, validator)
			adapters, err := httpapi.Parse(t.Context(), name, []byte(text), nil)
			usable := err == nil
			for _, a := range adapters {
				usable = usable && a.Problem() == ""
			}
			if usable != (len(errs) == 0) {
				t.Errorf("%s\nthe schema says %v, and it is read as %+v, %v", text, errs, adapters, err)
			}
			if usable {
				valid++
			}
		})
	}
	if valid < 10 {
		t.Errorf("only %d lists are valid", valid)
	}
}

// TestContractPage checks that the page has the example list, which the schema admits,
// and that it names every limit.
func TestContractPage(t *testing.T) {
	page := exampleFile(t, "discovery/README.md")
	_, rest, _ := strings.Cut(page, "```json\n")
	list, _, found := strings.Cut(rest, "```")
	adapters, err := httpapi.Parse(t.Context(), "the page", []byte(list), nil)
	if !found || err != nil || len(httpapi.Active(adapters)) != 1 || len(httpapi.Inactive(adapters)) != 1 {
		t.Errorf("the list of the page is read as %+v, %v", adapters, err)
	}
	var value any
	if err := json.Unmarshal([]byte(list), &value); err != nil {
		t.Fatal(err)
	}
	if errs := validation.ValidateCustomResource(nil, value, contractSchema(t)); len(errs) > 0 {
		t.Error(errs)
	}
}
