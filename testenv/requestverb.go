package testenv

import (
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// Is returns a function that matches the requests with a verb for a resource, as
// [Requests.CountOf] counts them.
func Is(verb, resource string) func(*http.Request) bool {
	return func(request *http.Request) bool {
		v, r := verbAndResource(request)
		return v == verb && r == resource
	}
}

// verbAndResource returns the verb of a request and its resource with the
// subresource, empty for discovery.
func verbAndResource(request *http.Request) (verb, resource string) {
	resource, named := resourceIn(request.URL.Path)
	switch request.Method {
	case http.MethodPatch:
		contentType := request.Header.Get("Content-Type")
		if strings.HasPrefix(contentType, string(types.ApplyYAMLPatchType)) || strings.HasPrefix(contentType, string(types.ApplyCBORPatchType)) {
			return VerbApply, resource
		}
		return VerbPatch, resource
	case http.MethodGet, http.MethodHead:
		watch := request.URL.Query().Get("watch")
		switch {
		case resource == "":
			return VerbDiscovery, ""
		case watch == "true" || watch == "1":
			return VerbWatch, resource
		case named:
			return VerbGet, resource
		}
		return VerbList, resource
	}
	return request.Method, resource
}

// resourceIn returns the resource in the path of a request, by the API conventions:
// /api/v1 or /apis/group/version, then namespaces/name for a namespaced resource,
// the resource, the object's name, and a subresource. The resource is empty for
// discovery.
func resourceIn(path string) (resource string, named bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case parts[0] == "api" && len(parts) > 2:
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		parts = parts[3:]
	default:
		return "", false
	}
	if parts[0] == "namespaces" && len(parts) > 2 && parts[2] != "status" && parts[2] != "finalize" {
		parts = parts[2:]
	}
	if len(parts) > 2 {
		return parts[0] + "/" + strings.Join(parts[2:], "/"), true
	}
	return parts[0], len(parts) == 2
}
