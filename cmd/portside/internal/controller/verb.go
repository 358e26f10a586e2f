package controller

import (
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"
)

// requestInfo reads requests as the API server itself does.
var requestInfo = &request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}

// verb is what RBAC calls a request: get, list, watch, create, update, patch or
// delete; and apply for server-side apply, which apiserver_request_total tells
// from other patches too. What the API server serves beside objects is got.
func verb(r *http.Request) string {
	if r.Method == http.MethodPatch && strings.HasPrefix(r.Header.Get("Content-Type"), applyPatch) {
		return "apply"
	}
	info, err := requestInfo.NewRequestInfo(r)
	if err != nil {
		return "unknown" // an incomplete path of the kind that named the verb, which no client of ours sends
	}
	return info.Verb
}

// applyPatch begins the content types of server-side apply, of which YAML and
// CBOR are two.
var applyPatch, _, _ = strings.Cut(string(types.ApplyYAMLPatchType), "+")
