package adapterset_test

import (
	"slices"
	"testing"

	"github.com/portside-dev/portside/apply"
	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/cmd/portside/internal/adapterset"
)

// companions are those that the operator of DittoFS gives NFS and SMB.
var companions = &v1alpha1.AdapterSet{Spec: v1alpha1.AdapterSetSpec{Companions: []v1alpha1.Companion{
	{Name: "nfs-pm", Adapter: "nfs", Port: 10111, Protocol: "TCP"},
	{Name: "pm-udp", Adapter: "nfs", Port: 10111, Protocol: "UDP"},
	{Name: "nfs-udp", Adapter: "nfs", Protocol: "UDP"},
	{Name: "mdns", Adapters: []string{"nfs", "smb"}, Port: 5353, Protocol: "UDP"},
	{Name: "one", Adapters: []string{"smb"}, Protocol: "UDP"},
}}}

func TestWithCompanions(t *testing.T) {
	t.Parallel()
	nfs, smb := apply.Adapter{Type: "nfs", Port: 12049}, apply.Adapter{Type: "smb", Port: 1445, Protocol: "TCP"}
	companion := func(name string, port int64, protocol string) apply.Adapter {
		return apply.Adapter{Type: name, Port: port, Protocol: protocol, Companion: true}
	}
	pm, pmUDP, mdns := companion("nfs-pm", 10111, "TCP"), companion("pm-udp", 10111, "UDP"), companion("mdns", 5353, "UDP")
	for name, c := range map[string]struct{ active, want []apply.Adapter }{
		"none active":        {[]apply.Adapter{}, []apply.Adapter{}},
		"another type":       {[]apply.Adapter{{Type: "NFS", Port: 1}}, []apply.Adapter{{Type: "NFS", Port: 1}}},
		"an adapter":         {[]apply.Adapter{nfs}, []apply.Adapter{nfs, pm, pmUDP, companion("nfs-udp", 12049, "UDP"), mdns}},
		"the other adapter":  {[]apply.Adapter{smb}, []apply.Adapter{smb, mdns, companion("one", 1445, "UDP")}},
		"both":               {[]apply.Adapter{smb, nfs}, []apply.Adapter{smb, nfs, pm, pmUDP, companion("nfs-udp", 12049, "UDP"), mdns, companion("one", 1445, "UDP")}},
		"an invalid adapter": {[]apply.Adapter{{Type: "nfs", Port: 70000}}, []apply.Adapter{{Type: "nfs", Port: 70000}, pm, pmUDP, companion("nfs-udp", 70000, "UDP"), mdns}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := adapterset.WithCompanions(companions, c.active); !slices.Equal(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestRenumbered(t *testing.T) {
	t.Parallel()
	for typ, want := range map[string][]string{"nfs": {"nfs-udp"}, "smb": {"one"}, "iscsi": nil} {
		if got := adapterset.Renumbered(companions, []string{typ}); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", typ, got, want)
		}
	}
}

func TestIsCompanion(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"adapter-nfs-pm": true, "adapter-nfs": false, "nfs-pm": false} {
		if got := adapterset.IsCompanion(companions, name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
