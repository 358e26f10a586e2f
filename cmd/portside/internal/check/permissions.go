package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/portside-dev/portside/cmd/portside/internal/install"
)

// permission is one verb of one rule, somewhere.
type permission struct {
	verb, group, resource, name string
	namespace                   string // empty for all of them
}

func (p permission) String() string {
	what := strings.TrimSuffix(p.resource+"."+p.group, ".")
	if p.name != "" {
		what += "/" + p.name
	}
	if p.namespace == "" {
		return p.verb + " " + what
	}
	return p.verb + " " + what + " in namespace " + p.namespace
}

// permissions asks, as portside's ServiceAccount, for each permission that the
// manifests grant, and for those that they do not.
func (c *checker) permissions(ctx context.Context) error {
	client, err := c.asPortside(ctx)
	if err != nil {
		return err
	}
	needed, err := c.needed(ctx)
	if err != nil {
		return err
	}
	before := len(c.findings)
	for _, p := range needed {
		allowed, err := may(ctx, client, p)
		if err != nil {
			return c.impersonationError(err)
		}
		if !allowed {
			c.add("Permissions", Error, c.account(), "it may not %s; run: %s", p, c.granting(p).installCommand())
		}
	}
	for _, namespace := range c.namespaces(ctx) {
		if err := c.excess(ctx, client, needed, namespace); err != nil {
			return err
		}
	}
	if len(c.findings) == before {
		c.add("Permissions", OK, c.account(), "it has the %d permissions that it needs, and no more", len(needed))
	}
	return nil
}

// needed returns the permissions that the roles of the installation itself grant,
// and that to read Secrets in each namespace that has a use for it.
func (c *checker) needed(ctx context.Context) ([]permission, error) {
	all := map[permission]bool{}
	for _, namespace := range c.secretNamespaces(ctx) {
		all[permission{verb: "get", resource: secrets, namespace: namespace}] = true
	}
	for _, object := range c.manifests {
		if !strings.HasSuffix(object.GetKind(), "Role") || object.GetLabels()["app.kubernetes.io/instance"] == "" ||
			object.GetName() == install.DiscoveryRole(c.options.FieldManager) {
			continue
		}
		var role rbacv1.ClusterRole // a Role has the same rules
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &role); err != nil {
			return nil, fmt.Errorf("%s: %w", nameOf(object), err)
		}
		for _, rule := range role.Rules {
			for _, p := range expand(rule.Verbs, rule.APIGroups, rule.Resources, rule.ResourceNames, object.GetNamespace()) {
				all[p] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b permission) int { return strings.Compare(a.String(), b.String()) }), nil
}

const secrets = "secrets"

// secretNamespaces returns the namespaces where discovery reads Secrets: those of
// the options, and those whose AdapterSets have a credentialsRef.
func (c *checker) secretNamespaces(ctx context.Context) []string {
	all := slices.Clone(c.options.DiscoveryNamespaces)
	sets, err := c.adapterSets(ctx)
	if err != nil {
		return all // reported by targets
	}
	for i := range sets {
		if d := sets[i].Spec.Discovery; d != nil && d.HTTP != nil && d.HTTP.CredentialsRef != nil {
			all = append(all, sets[i].Namespace)
		}
	}
	return all
}

// granting returns a check of the installation that grants a permission, too.
func (c *checker) granting(p permission) *checker {
	granting := *c
	if p.resource == secrets && !slices.Contains(c.options.DiscoveryNamespaces, p.namespace) {
		granting.options.DiscoveryNamespaces = append(slices.Clone(c.options.DiscoveryNamespaces), p.namespace)
	}
	return &granting
}

func expand(verbs, groups, resources, names []string, namespace string) []permission {
	if len(names) == 0 {
		names = []string{""}
	}
	var all []permission
	for _, group := range groups {
		for _, resource := range resources {
			for _, verb := range verbs {
				for _, name := range names {
					all = append(all, permission{verb, group, resource, name, namespace})
				}
			}
		}
	}
	return all
}

func may(ctx context.Context, client kubernetes.Interface, p permission) (bool, error) {
	resource, subresource, _ := strings.Cut(p.resource, "/")
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: p.namespace, Verb: p.verb, Group: p.group, Resource: resource, Subresource: subresource, Name: p.name,
		},
	}}
	answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	return answer.Status.Allowed, nil
}

// everybodys are what Kubernetes lets every ServiceAccount have: to ask about
// itself, and to read whose certificates to trust.
var everybodys = []string{"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews", "clustertrustbundles"}

// excess finds what the ServiceAccount may do in a namespace beyond what it
// needs there.
func (c *checker) excess(ctx context.Context, client kubernetes.Interface, needed []permission, namespace string) error {
	review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
	answer, err := client.AuthorizationV1().SelfSubjectRulesReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return c.impersonationError(err)
	}
	var low, grave []string
	for _, rule := range answer.Status.ResourceRules {
		for _, p := range expand(rule.Verbs, rule.APIGroups, rule.Resources, rule.ResourceNames, namespace) {
			wide := p
			wide.namespace = ""
			switch {
			case slices.Contains(needed, p), slices.Contains(needed, wide), slices.Contains(everybodys, p.resource):
			case isGrave(p):
				grave = append(grave, wide.String())
			default:
				low = append(low, wide.String())
			}
		}
	}
	c.tooWide(Error, namespace, grave)
	c.tooWide(Warning, namespace, low)
	return nil
}

func (c *checker) tooWide(state State, namespace string, permissions []string) {
	if len(permissions) == 0 {
		return
	}
	slices.Sort(permissions)
	permissions = slices.Compact(permissions)
	c.add("Permissions", state, c.account(), "in namespace %s it may do more than it needs, see its role bindings: %s", namespace, strings.Join(permissions, ", "))
}

// isGrave reports whether a permission would let the holder of the token change workloads,
// read credentials or gain permissions. Other permissions are not grave: some
// distributions grant every user a few.
func isGrave(p permission) bool {
	groups := []string{"*", "", "apps", "portside.dev", "rbac.authorization.k8s.io", "admissionregistration.k8s.io", "batch"}
	if !slices.Contains(groups, p.group) {
		return false
	}
	reads := slices.Contains([]string{"get", "list", "watch"}, p.verb)
	return !reads || (p.group == "" && (p.resource == secrets || p.resource == "*"))
}

// namespaces are where AdapterSets are, and where portside is.
func (c *checker) namespaces(ctx context.Context) []string {
	all := []string{c.options.Namespace}
	if c.options.WatchNamespace != "" {
		all = append(all, c.options.WatchNamespace)
	}
	sets, err := c.adapterSets(ctx)
	if err == nil { // or else targets says so
		for i := range sets {
			all = append(all, sets[i].Namespace)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// user is the name of portside's ServiceAccount to the API server.
func (c *checker) user() string {
	return "system:serviceaccount:" + c.options.Namespace + ":" + c.options.FieldManager
}

func (c *checker) account() string {
	return "ServiceAccount " + c.options.Namespace + "/" + c.options.FieldManager
}

// asPortside is a client that acts as portside's ServiceAccount: that of who
// asks, where that is the one.
func (c *checker) asPortside(ctx context.Context) (kubernetes.Interface, error) {
	who, err := c.client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("who you are: %w", err)
	}
	if who.Status.UserInfo.Username == c.user() {
		return c.client, nil
	}
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: c.user(),
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + c.options.Namespace, "system:authenticated"},
	}
	return kubernetes.NewForConfig(config)
}

// impersonationError returns the error with what is needed to ask on behalf of
// portside's ServiceAccount.
func (c *checker) impersonationError(err error) error {
	if refusesImpersonation(err) {
		return fmt.Errorf("cannot impersonate %s: %w; grant yourself \"impersonate\" on it and its groups, or run with its token", c.user(), err)
	}
	return fmt.Errorf("the permissions of %s: %w", c.user(), err)
}

// refusesImpersonation reports whether the API server refused to act on behalf of
// another user. It then names the kind of that user in place of what was asked for.
func refusesImpersonation(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsForbidden(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	return slices.Contains([]string{"serviceaccounts", "users", "groups"}, status.Status().Details.Kind)
}

// mayInstall asks, as who asks, for what installing takes.
func (c *checker) mayInstall(ctx context.Context) error {
	c.add("Install", OK, "", "nothing of it is installed")
	missing := map[string]bool{}
	for _, object := range c.manifests {
		resource := resourceOf(object.GroupVersionKind())
		for _, verb := range []string{"create", "patch"} {
			p := permission{verb: verb, group: resource.Group, resource: resource.Resource, namespace: object.GetNamespace()}
			allowed, err := may(ctx, c.client, p)
			if err != nil {
				return fmt.Errorf("your permissions: %w", err)
			}
			if !allowed {
				missing[p.String()] = true
			}
		}
	}
	for _, p := range slices.Sorted(maps.Keys(missing)) {
		c.add("Permissions", Error, "", "you may not %s, which installing takes", p)
	}
	if len(missing) == 0 {
		c.add("Permissions", OK, "", "you may install what portside install prints")
	}
	return nil
}
