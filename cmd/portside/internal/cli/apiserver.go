package cli

import (
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// apiServerOnly refuses answers that no Kubernetes API server gives: a web page, and a
// 404 without the API's body. client-go takes every 404 for an object that does not
// exist, so any web server would seem to be a cluster without the workload.
type apiServerOnly struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (a apiServerOnly) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := a.next.RoundTrip(request)
	if err != nil || (response.StatusCode != http.StatusNotFound && response.StatusCode != http.StatusOK) {
		return response, err
	}
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch {
	case media == "application/json", media == protobuf:
		return response, nil
	case response.StatusCode == http.StatusOK && media != "text/html":
		return response, nil
	case media == "text/plain" && isUnservedGroup(request, response):
		return response, nil
	}
	_ = response.Body.Close() // the user needs nothing of it
	return nil, fmt.Errorf("it answers %d with %q and is not a Kubernetes API server: check the address, and any proxy or login page in between",
		response.StatusCode, media)
}

// isUnservedGroup reports whether a plain 404 means that the API server does not
// serve the API group of the path, such as when its CustomResourceDefinition is
// not installed. The header tells the API server, which sets it in every answer,
// from another web server.
func isUnservedGroup(request *http.Request, response *http.Response) bool {
	return response.StatusCode == http.StatusNotFound &&
		strings.Contains(request.URL.Path, "/apis/") && response.Header.Get("Audit-Id") != ""
}

// WrappedRoundTripper lets client-go cancel requests below this one.
func (a apiServerOnly) WrappedRoundTripper() http.RoundTripper { return a.next }
