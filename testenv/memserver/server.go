package memserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/endpoints/handlers/fieldmanager"
)

// Object is an object as the server stores it.
type Object interface {
	runtime.Object
	metav1.Object
}

// Server stores objects. It is safe for concurrent use.
type Server struct {
	mu       sync.Mutex
	objects  map[id]Object
	revision int64 // of the last write
	uids     int64
	node     int32 // the last allocated node port
}

type id struct{ kind, namespace, name string }

// lastStaticNodePort ends the node ports that are not allocated. They are for Services
// that ask for one, as on an API server, which allocates them last.
const lastStaticNodePort = 30085

// New returns a server without objects.
func New() *Server { return &Server{objects: map[id]Object{}, node: lastStaticNodePort} }

// Options are those of one write.
type Options struct {
	Manager string
	// Force takes conflicting fields from other managers. Only an apply has it.
	Force  bool
	DryRun bool
}

// Get returns an object.
func (s *Server) Get(kind, namespace, name string) (Object, error) {
	k, err := define(kind)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if live, exists := s.objects[id{kind, namespace, name}]; exists {
		return clone(live), nil
	}
	return nil, apierrors.NewNotFound(k.resource, name)
}

// Apply applies a configuration, and creates the object where there is none.
func (s *Server) Apply(kind, namespace, name string, configuration map[string]any, o Options) (Object, error) {
	k, err := define(kind)
	if err != nil {
		return nil, err
	}
	return s.write(k, namespace, name, true, o, func(live Object) (runtime.Object, error) {
		return k.fields().Apply(live, &unstructured.Unstructured{Object: configuration}, o.Manager, o.Force)
	})
}

// Create creates an object.
func (s *Server) Create(object *unstructured.Unstructured, o Options) (Object, error) {
	k, err := define(object.GetKind())
	if err != nil {
		return nil, err
	}
	if _, err := s.Get(object.GetKind(), object.GetNamespace(), object.GetName()); err == nil {
		return nil, apierrors.NewAlreadyExists(k.resource, object.GetName())
	}
	return s.write(k, object.GetNamespace(), object.GetName(), true, o, k.replaces(object.Object, o))
}

// Update replaces an object.
func (s *Server) Update(object *unstructured.Unstructured, o Options) (Object, error) {
	k, err := define(object.GetKind())
	if err != nil {
		return nil, err
	}
	return s.write(k, object.GetNamespace(), object.GetName(), false, o, k.replaces(object.Object, o))
}

// Patch changes an object by a JSON patch, a merge patch or a strategic merge patch.
func (s *Server) Patch(kind, namespace, name string, patch types.PatchType, data []byte, o Options) (Object, error) {
	k, err := define(kind)
	if err != nil {
		return nil, err
	}
	return s.write(k, namespace, name, false, o, func(live Object) (runtime.Object, error) {
		text, err := json.Marshal(live)
		if err != nil {
			return nil, err
		}
		if text, err = k.patched(text, patch, data); err != nil {
			return nil, err
		}
		object := k.create()
		if err := json.Unmarshal(text, object); err != nil {
			return nil, apierrors.NewInvalid(schema.GroupKind{}, "", field.ErrorList{field.Invalid(field.NewPath("patch"), string(text), err.Error())})
		}
		scheme().Default(object)
		return k.fields().UpdateNoErrors(live, object, o.Manager), nil
	})
}

// Delete deletes an object at once.
func (s *Server) Delete(kind, namespace, name string) error {
	if _, err := s.Get(kind, namespace, name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision++
	delete(s.objects, id{kind, namespace, name})
	return nil
}

// replaces returns the change of a client that sends the whole object.
func (k *kind) replaces(content map[string]any, o Options) func(Object) (runtime.Object, error) {
	return func(live Object) (runtime.Object, error) {
		object := k.create()
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, object); err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		scheme().Default(object)
		return k.fields().UpdateNoErrors(live, object, o.Manager), nil
	}
}

func (k *kind) patched(live []byte, patch types.PatchType, data []byte) ([]byte, error) {
	switch patch {
	case types.JSONPatchType:
		operations, err := jsonpatch.DecodePatch(data)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		text, err := operations.Apply(live)
		if err != nil {
			return nil, apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "", schema.GroupResource{}, "", err.Error(), 0, false)
		}
		return text, nil
	case types.MergePatchType:
		return jsonpatch.MergePatch(live, data)
	case types.StrategicMergePatchType:
		return strategicpatch.StrategicMergePatch(live, data, k.create())
	}
	return nil, apierrors.NewGenericServerResponse(http.StatusUnsupportedMediaType, "patch", k.resource, "", string(patch), 0, false)
}

// write stores what change makes of the live object. Without one, it makes a new one if
// creates is set.
func (s *Server) write(k *kind, namespace, name string, creates bool, o Options, change func(Object) (runtime.Object, error)) (Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := id{k.gvk.Kind, namespace, name}
	old, exists := s.objects[at]
	if !exists && !creates {
		return nil, apierrors.NewNotFound(k.resource, name)
	}
	live := k.create()
	if exists {
		live = clone(old)
	}
	changed, err := change(live)
	if err != nil {
		return nil, status(err)
	}
	if exists {
		if changed, err = fieldmanager.IgnoreManagedFieldsTimestampsTransformer(context.Background(), changed, old); err != nil {
			return nil, status(err)
		}
	}
	object, ok := changed.(Object)
	if !ok {
		return nil, fmt.Errorf("the field manager returned a %T", changed)
	}
	if exists {
		err = s.update(k, object, old)
	} else {
		err = s.create(k, namespace, name, object)
	}
	if err != nil {
		return nil, err
	}
	for _, entry := range object.GetManagedFields() {
		if entry.Time != nil { // which is stored in seconds
			*entry.Time = entry.Time.Rfc3339Copy()
		}
	}
	if exists && equality.Semantic.DeepEqual(old, object) {
		return object, nil
	}
	if o.DryRun {
		return object, nil
	}
	s.revision++
	object.SetResourceVersion(strconv.FormatInt(s.revision, 10))
	s.objects[at] = object
	return clone(object), nil
}

func (s *Server) create(k *kind, namespace, name string, object Object) error {
	if uid := object.GetUID(); uid != "" {
		return apierrors.NewConflict(k.resource, name, fmt.Errorf("uid mismatch: the provided object specified uid %s, and no existing object was found", uid))
	}
	s.uids++
	object.SetNamespace(namespace)
	object.SetUID(types.UID(fmt.Sprintf("00000000-0000-0000-0000-%012d", s.uids)))
	object.SetCreationTimestamp(metav1.Now().Rfc3339Copy())
	return s.prepare(k, object, nil)
}

func (s *Server) update(k *kind, object, old Object) error {
	switch version := object.GetResourceVersion(); version {
	case "":
		object.SetResourceVersion(old.GetResourceVersion())
	case old.GetResourceVersion():
	default:
		return apierrors.NewConflict(k.resource, old.GetName(), errors.New("the object has been modified; please apply your changes to the latest version and try again"))
	}
	object.SetGeneration(old.GetGeneration())
	object.SetCreationTimestamp(old.GetCreationTimestamp())
	if object.GetUID() == "" {
		object.SetUID(old.GetUID())
	}
	return s.prepare(k, object, old)
}

// prepare sets what the server sets, and validates the object. old is nil for a new one.
func (s *Server) prepare(k *kind, object, old Object) error {
	if err := k.prepare(s, object, old); err != nil {
		return status(err)
	}
	var errs field.ErrorList
	if old != nil && object.GetUID() != old.GetUID() {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "uid"), object.GetUID(), "field is immutable"))
	}
	if errs = append(errs, k.validate(object)...); len(errs) > 0 {
		return apierrors.NewInvalid(k.gvk.GroupKind(), object.GetName(), errs)
	}
	return nil
}

// status returns an error as the server answers it: one that has no status is a 500.
func status(err error) error {
	var known apierrors.APIStatus
	if errors.As(err, &known) {
		return err
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusInternalServerError, Message: err.Error(),
	}}
}

func clone(o Object) Object { return o.DeepCopyObject().(Object) } //nolint:forcetypeassert // a copy has the type of the original
