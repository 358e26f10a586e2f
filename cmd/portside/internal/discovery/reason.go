package discovery

// Reason is a reason of the condition Discovered, and of a question without an
// answer.
type Reason string

// The reasons of a poll as a whole.
const (
	// Answered: every ready pod answered.
	Answered Reason = "Answered"
	// PartlyAnswered: some ready pods did not answer, so nothing is removed.
	PartlyAnswered Reason = "PartlyAnswered"
	// NotAnswered: no ready pod answered, and not all for one reason.
	NotAnswered Reason = "NotAnswered"
	// NoReadyPods: there is no pod to ask.
	NoReadyPods Reason = "NoReadyPods"
	// Disagreeing: pods give one adapter different numbers. The last number
	// stays until they agree.
	Disagreeing Reason = "Disagreeing"
	// NotAllReady: fewer pods are ready than the workload wants, so nothing is
	// removed or renumbered.
	NotAllReady Reason = "NotAllReady"
	// RolloutUnderWay: the same while pods are being replaced.
	RolloutUnderWay Reason = "RolloutUnderWay"
	// TooManyAdapters: the pods have more adapters together than one server
	// can have, so the last answer stays.
	TooManyAdapters Reason = "TooManyAdapters"
)

// The reasons why a pod did not answer.
const (
	// Unauthorized: 401 to the credentials, also after one renewal of the token,
	// or to the login.
	Unauthorized Reason = "Unauthorized"
	// Forbidden: 403; the credentials are valid, and may not read adapters.
	Forbidden Reason = "Forbidden"
	// NotFound: 404; the path is wrong, or the server has no such list.
	NotFound Reason = "NotFound"
	// ServerError: a status of 500 and above.
	ServerError Reason = "ServerError"
	// UnexpectedStatus: any other status that is not 200.
	UnexpectedStatus Reason = "UnexpectedStatus"
	// Redirected: the server redirects the request. Redirects are not followed.
	Redirected Reason = "Redirected"
	// Timeout: there was no complete answer within the timeout.
	Timeout Reason = "Timeout"
	// Unreachable: cannot connect to the pod to the pod's address.
	Unreachable Reason = "Unreachable"
	// Interrupted: the connection broke before the answer was complete.
	Interrupted Reason = "Interrupted"
	// TLSFailed: the TLS handshake failed, or the certificate is not valid for
	// the server.
	TLSFailed Reason = "TLSFailed"
	// TooLarge: the answer is too long.
	TooLarge Reason = "TooLarge"
	// Malformed: the answer is not the JSON list of at most 64 adapters or, with an
	// expression, not JSON.
	Malformed Reason = "Malformed"
	// ExpressionFailed: the expression makes no list of at most 64 adapters of the
	// answer, or exceeds its cost limit.
	ExpressionFailed Reason = "ExpressionFailed"
	// Canceled: the poll was canceled.
	Canceled Reason = "Canceled"
)

// The reasons why no pod can be asked.
const (
	// NoSource: the AdapterSet has no source of adapters that is known.
	NoSource Reason = "NoSource"
	// InvalidExpression: spec.discovery.http.expression does not compile.
	InvalidExpression Reason = "InvalidExpression"
	// CredentialsMissing: the Secret, or a key in it, does not exist.
	CredentialsMissing Reason = "CredentialsMissing"
	// CredentialsNotLabelled: the Secret does not have the label that allows
	// portside to use it.
	CredentialsNotLabelled Reason = "CredentialsNotLabelled"
	// CredentialsUnreadable: the Secret could not be read from the API server.
	CredentialsUnreadable Reason = "CredentialsUnreadable"
	// CredentialsForbidden: the namespace has no RoleBinding that lets portside
	// read its Secrets.
	CredentialsForbidden Reason = "CredentialsForbidden"
	// CredentialsInvalid: the Secret's values cannot be used.
	CredentialsInvalid Reason = "CredentialsInvalid"
	// EndpointInvalid: spec.discovery.http is not valid for this pod.
	EndpointInvalid Reason = "EndpointInvalid"
	// PodsUnknown: the pods of the workload could not be read.
	PodsUnknown Reason = "PodsUnknown"
)

// NeedsAction reports whether polls keep failing for this reason until a person
// changes the AdapterSet, the Secret, the permissions or the server.
func (r Reason) NeedsAction() bool {
	switch r {
	case Unauthorized, Forbidden, NotFound, TLSFailed, Redirected, Malformed, TooLarge, ExpressionFailed,
		NoSource, InvalidExpression, CredentialsMissing, CredentialsNotLabelled, CredentialsForbidden, CredentialsInvalid, EndpointInvalid:
		return true
	default:
		return false
	}
}

// Reasons are all reasons.
var Reasons = []Reason{
	Answered, PartlyAnswered, NotAnswered, NoReadyPods, Disagreeing, NotAllReady, RolloutUnderWay, TooManyAdapters,
	Unauthorized, Forbidden, NotFound, ServerError, UnexpectedStatus, Redirected, Timeout, Unreachable, Interrupted, TLSFailed,
	TooLarge, Malformed, ExpressionFailed, Canceled, NoSource, InvalidExpression,
	CredentialsMissing, CredentialsNotLabelled, CredentialsUnreadable, CredentialsForbidden, CredentialsInvalid, EndpointInvalid, PodsUnknown,
}

// texts are the messages of failures that have no message of their own.
var texts = map[Reason]string{
	NotAnswered:            "the source did not answer",
	Unauthorized:           "the server rejected the credentials (status 401)",
	Forbidden:              "the credentials do not permit this request (status 403)",
	NotFound:               "path not found (status 404)",
	Redirected:             "the server redirects the request, and redirects are not followed",
	Timeout:                "no complete answer within the timeout",
	Unreachable:            "cannot connect to the pod",
	Interrupted:            "the connection broke before the answer was complete",
	TLSFailed:              "the TLS handshake failed",
	TooLarge:               "the answer is too long",
	Malformed:              "the answer is not the JSON list of at most 64 adapters",
	ExpressionFailed:       "spec.discovery.http.expression makes no list of at most 64 adapters of the answer; give the answer to portside diff --adapters to see why",
	Canceled:               "the poll was canceled",
	CredentialsMissing:     "the Secret with the credentials does not exist",
	CredentialsUnreadable:  "cannot read the Secret with the credentials from the API server",
	CredentialsNotLabelled: "the Secret with the credentials does not have the label portside.dev/credentials: true",
	PodsUnknown:            "cannot read the pods of the workload from the API server",
}
