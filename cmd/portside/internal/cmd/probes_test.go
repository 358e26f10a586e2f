package cmd

import (
	"net"
	"strings"
	"testing"
)

func TestProbes_AddressInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = new(probes).serve(t.Context(), taken.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "cannot serve /healthz and /readyz") || !strings.Contains(err.Error(), "choose another --health-probe-bind-address") {
		t.Errorf("the error is %v", err)
	}
}
