package testenv

import (
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// Is returns what matches the requests with a verb for a resource, as
// [Requests.CountOf] has them.
func Is(verb, resource string) func(*http.Request) bool {
	return func(request *http.Request) bool {
		v, r := asked(request)
		return v == verb && r == resource
	}
}

// asked returns what a request asks for: the verb, and the resource with its
// subresource, empty for discovery.
func asked(request *http.Request) (verb, resource string) {
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

// resourceIn reads the path of a request as the API conventions lay it out:
// /api/v1 or /apis/group/version, then namespaces/name if the resource lives in
// one, the resource, the object's name, and a subresource. An empty resource is
// no request for objects: what the server serves.
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
