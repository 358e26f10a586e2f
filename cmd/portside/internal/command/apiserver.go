package command

import (
	"fmt"
	"mime"
	"net/http"
)

// apiServerOnly refuses what no API server has answered: a web page, and a 404
// that is not the API's. To client-go every 404 means that the object is not
// there, so that any web server would do for a cluster without the workload.
type apiServerOnly struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (a apiServerOnly) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := a.next.RoundTrip(request)
	if err != nil || (response.StatusCode != http.StatusNotFound && response.StatusCode != http.StatusOK) {
		return response, err
	}
	media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	api := media == "application/json" || media == protobuf
	if api || (response.StatusCode == http.StatusOK && media != "text/html") {
		return response, nil
	}
	_ = response.Body.Close() // what it says is not for us
	return nil, fmt.Errorf("it answers %d with %q and is not a Kubernetes API server: check the address, and what stands between (a proxy, a login page)",
		response.StatusCode, media)
}

// WrappedRoundTripper lets client-go cancel requests below this one.
func (a apiServerOnly) WrappedRoundTripper() http.RoundTripper { return a.next }
