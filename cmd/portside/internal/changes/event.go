package changes

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"

	"github.com/portside-dev/portside/apply/v1alpha1"
	"github.com/portside-dev/portside/apply/workload"
)

// EventReason is a reason of an Event that a command records.
type EventReason string

const (
	// PortsChanged is the reason of an Event about a workload whose ports a
	// command changed.
	PortsChanged EventReason = "PortsChanged"

	// annotation on such an Event has the change as JSON, for programs.
	annotation = "portside.dev/changes"

	controller = "portside"

	// The longest note and reportingInstance that the API server accepts, and
	// the most that it keeps of a generateName, in bytes.
	longestNote     = 1024
	longestInstance = 128
	longestName     = 57
)

// NewEvent returns the Event that records a change of a workload. The action is
// the command that made it, and host the machine that it ran on.
func NewEvent(w *workload.Workload, change v1alpha1.PortsChange, action, host string, now metav1.MicroTime) (*eventsv1.Event, error) {
	text, err := json.Marshal(change)
	if err != nil {
		return nil, err
	}
	note := fmt.Sprintf("portside %s changed the ports: %s", action, Text(change.Ports))
	return &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: limited(w.Name, longestName) + "-", Namespace: w.Namespace,
			Annotations: map[string]string{annotation: string(text)},
		},
		EventTime:           now,
		ReportingController: controller,
		ReportingInstance:   limited(controller+"-"+host, longestInstance),
		Action:              action,
		Reason:              string(PortsChanged),
		Regarding: corev1.ObjectReference{
			APIVersion: w.APIVersion, Kind: w.Kind.Kind, Namespace: w.Namespace, Name: w.Name,
			UID: w.UID, ResourceVersion: w.ResourceVersion,
		},
		Note: limited(note, longestNote),
		Type: corev1.EventTypeNormal,
	}, nil
}

// limited cuts a text to at most so many bytes of valid UTF-8.
func limited(text string, most int) string {
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// EventsOf selects the Events that record changes of a workload.
func EventsOf(uid types.UID) string {
	return fields.Set{"regarding.uid": string(uid), "reason": string(PortsChanged), "reportingController": controller}.String()
}

// FromEvent returns the change that an Event records. It is false for an Event
// that has none that can be read. A change without a time of its own happened
// just before the Event was created.
func FromEvent(e *eventsv1.Event) (v1alpha1.PortsChange, bool) {
	var change v1alpha1.PortsChange
	if err := json.Unmarshal([]byte(e.Annotations[annotation]), &change); err != nil || len(change.Ports) == 0 {
		return change, false
	}
	if change.Time.IsZero() {
		change.Time = e.CreationTimestamp
	}
	return change, true
}

// Text lists ports by container: "dittofs: -adapter-smb 1445/TCP, +adapter-nfs
// 12049/TCP". Those of a Service have no container: "~adapter-nfs 2049/TCP".
func Text(ports []v1alpha1.ChangedPort) string {
	signs := map[v1alpha1.PortEdit]string{v1alpha1.PortAdded: "+", v1alpha1.PortRemoved: "-", v1alpha1.PortChanged: "~"}
	var text strings.Builder
	container := ""
	for i, p := range ports {
		switch {
		case p.Container != container:
			if i > 0 {
				text.WriteString("; ")
			}
			text.WriteString(p.Container + ": ")
		case i > 0:
			text.WriteString(", ")
		}
		container = p.Container
		fmt.Fprintf(&text, "%s%s %d/%s", signs[p.Change], p.Name, p.Port, p.Protocol)
	}
	return text.String()
}
