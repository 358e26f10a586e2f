package mirror

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
)

// pack makes of a row the least text that it can be read back from. As a value
// an AdapterSet and its workload take some five KiB, spread over dozens of
// allocations; packed they are two of some hundred bytes. It costs less than a
// tenth of a millisecond either way, so only rows that nobody has touched for a
// while are packed.
func pack(value any) (string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("packing a %T: %w", value, err)
	}
	var packed strings.Builder
	w, _ := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&packed)
	if _, err := w.Write(text); err != nil {
		return "", fmt.Errorf("packing a %T: %w", value, err)
	}
	if err := w.Close(); err != nil {
		return "", fmt.Errorf("packing a %T: %w", value, err)
	}
	return strings.Clone(packed.String()), nil // a copy without room to grow
}

// unpack reads what pack made.
func unpack(packed string, value any) error {
	r, _ := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(strings.NewReader(packed), dictionary); err != nil {
		return fmt.Errorf("unpacking a %T: %w", value, err)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(r); err != nil {
		return fmt.Errorf("unpacking a %T: %w", value, err)
	}
	if err := json.Unmarshal(text.Bytes(), value); err != nil {
		return fmt.Errorf("unpacking a %T: %w", value, err)
	}
	return nil
}

// A deflater takes more than half a MiB. Pools let go of theirs when they are
// not used.
var (
	deflaters = sync.Pool{New: func() any {
		w, err := flate.NewWriterDict(io.Discard, flate.DefaultCompression, dictionary)
		if err != nil {
			panic(err) // of a level that there is not
		}
		return w
	}}
	inflaters = sync.Pool{New: func() any { return flate.NewReaderDict(strings.NewReader(""), dictionary) }}
)

// dictionary is text that rows have in common, the most common last. A row
// need not be like it, and then is a little longer.
var dictionary = []byte(`"annotations":{},"finalizers":["portside.dev/ports"],"deletionTimestamp":"deletionGracePeriodSeconds":0,` +
	`"discovery":{"http":{"port":"api","scheme":"HTTPS","path":"/api/v1/adapters","intervalSeconds":30,"timeoutSeconds":10,"credentialsRef":{"name":"` +
	`"Paused":true,"HostNetwork":true,"Failed":true,"UnderWay":true,"hostPort":,"Awaits":["api"],"name":"metrics","type":"smb","port":445,` +
	`"state":"Shadowed","state":"Shared","state":"Blocked","message":"","reason":"RolloutUnderWay","reason":"RollingOut","inactiveSince":"` +
	`{"kind":"AdapterSet","apiVersion":"portside.dev/v1alpha1","metadata":{"name":"","namespace":"","uid":"","resourceVersion":"","generation":1,"creationTimestamp":"202` +
	`"},"spec":{"targetRef":{"apiVersion":"apps/v1","kind":"StatefulSet","name":""},"container":"","adapters":[{"type":"nfs","port":12049,"protocol":"TCP"},{"type":"` +
	`"rollout":{"stabilizationWindowSeconds":10,"removalDelaySeconds":300},"hostNetwork":"Block","deletionPolicy":"Retain"},` +
	`"lastChangeTime":"202-","changes":[{"time":"202-","manager":"portside","ports":[{"container":"","name":"adapter-nfs","port":12049,"protocol":"TCP","change":"Removed"},{"change":"Added"}]}],` +
	`"status":{"observedGeneration":1,"target":{"uid":"","container":""},"fieldManager":"portside","desiredPorts":2,"readyPorts":2,"ports":[` +
	`{"type":"nfs","name":"adapter-nfs","port":12049,"protocol":"TCP","state":"Owned","owners":[{"manager":"portside","operation":"Apply"}]},` +
	`"conditions":[{"type":"Ready","status":"True","observedGeneration":1,"lastTransitionTime":"202-","reason":"InPlace","message":"` +
	`{"type":"Reconciling","status":"False","observedGeneration":1,"lastTransitionTime":"{"type":"Stalled","status":"False",` +
	`{"Kind":"StatefulSet","Namespace":"","Name":"","UID":"","ResourceVersion":"","Generation":1,"Paused":false,"HostNetwork":false,"DefaultContainer":"","Selector":"app=app.kubernetes.io/name=",` +
	`"Containers":[{"Name":"","Ports":[{"name":"api","containerPort":8080,"protocol":"TCP"},{"name":"adapter-nfs","containerPort":12049,"protocol":"TCP"}],"Awaits":null}],"InitContainers":null,"TrimmedFor":"portside",` +
	`"ManagedFields":[{"manager":"argocd-controller","operation":"Apply","apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{}},` +
	`{"manager":"portside","operation":"Apply","apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"\"}":{".":{},"f:name":{},"f:ports":{` +
	`"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}},}}}}}}}}],` +
	`"Restarts":1,"Rollout":{"UnderWay":false,"Failed":false,"Desired":1,"Progress":{"ObservedGeneration":1,"Replicas":1,"Updated":1,"Ready":1,"Available":1}}}`)
